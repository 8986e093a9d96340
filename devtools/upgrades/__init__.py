"""Holds migrations to the rule of docs/operations.md: the version before works on the newest
schema.

`python -m devtools.upgrades check` says what breaks it, `… land` writes down what has landed,
`… previous` runs tests of the version before on a database that this tree's migrations made.
"""
