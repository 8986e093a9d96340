"""The floor: the least that can answer the catalogue's contract, to measure the product against.

Bare WSGI, psycopg and its pool, orjson and SQL written by hand. It has no framework, no layers, no
writes and no error details; it exists only to show what the machine could do.
"""
