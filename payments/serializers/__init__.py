"""Bodies and answers of the endpoints about money, by topic: import from the topic's module."""
