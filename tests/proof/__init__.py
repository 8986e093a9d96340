"""Proof that money stays right: random histories, every order of events, many buyers at once."""
