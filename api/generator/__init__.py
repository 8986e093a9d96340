"""Generates a marketplace of any size by COPY, for measuring and for looking at (see
docs/performance.md, "Generator")."""
