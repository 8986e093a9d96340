"""Django's PostgreSQL engine, with what reading at speed needs."""
