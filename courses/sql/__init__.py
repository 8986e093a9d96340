"""The catalogue's hand-written statements, by what they read.

Names in capitals are SQL; what varies in a statement is chosen from fixed pieces here, and values
are parameters always. Tests hold each to what the ORM answers.
"""
