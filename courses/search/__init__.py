"""Finding courses by words. How it works, and why: docs/search.md.

`engine` says what an engine does and which one is in use; `postgres` is the one of the house.
Others call the doors in `courses.selectors` and `courses.services`.
"""
