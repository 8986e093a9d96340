"""Starts LearnFlow on a machine that has nothing but Python: servers, web, workers, demo data.

`python -m devtools.launcher run` is what `make run` calls, `… test-env -- COMMAND` runs a command
beside throw-away servers, `… services --state DIR` keeps a PostgreSQL and a Redis running.
See docs/operations.md.
"""
