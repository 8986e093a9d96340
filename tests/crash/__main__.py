"""Kill the product at every exchange of three flows, and see that nothing is lost or done twice.

    python -m tests.crash [--shares 3] [--flow purchase] [--role web] [--service redis] [--every 10]

Needs DATABASE_URL and REDIS_URL of servers it may use; it makes a database of its own. `make
crash-test` gives it throw-away ones. Ends with 0 when every point converged.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import django
import psycopg
import redis
from psycopg import sql

from devtools.printable import be_printable

# Of a Redis' 16 the first and the last have other uses in the suite. Two runs in one would take
# each other's tasks, and do nothing about them in their own PostgreSQL.
_REDIS_DATABASES = range(8, 13)
_CLAIM, _LONGEST_RUN_SECONDS = "learnflow-crash-run", 6 * 60 * 60


def main(arguments: list[str]) -> int:
    be_printable()
    options = _parse(arguments)
    os.environ["DJANGO_SETTINGS_MODULE"] = "learnflow.settings.testing"
    if options.shares > 1:
        return _run_shares(arguments, options.shares)
    return _run_share(options)


def _run_shares(arguments: list[str], shares: int) -> int:
    """Divide the points among processes, each with a stack of its own: most of it is waiting."""
    command = [sys.executable, "-m", "tests.crash", *arguments, "--shares", "1"]
    with tempfile.TemporaryDirectory(prefix="learnflow-crash-") as folder:
        tallies = [Path(folder, f"{number}.json") for number in range(shares)]
        processes = [
            subprocess.Popen([*command, "--share", f"{number}/{shares}", "--tally", str(tally)])
            for number, tally in enumerate(tallies)
        ]
        broken = [process.wait() for process in processes]
        found = [json.loads(tally.read_text()) for tally in tallies if tally.exists()]
    django.setup()
    from tests.crash.run import Tally, add_up, report

    all_held = report(
        add_up({name: Tally(**facts) for name, facts in share.items()} for share in found)
    )
    return 0 if all_held and not any(broken) else 1


def _run_share(options: argparse.Namespace) -> int:
    part, _, parts = options.share.partition("/")
    name = f"crash_{os.getpid()}"
    server = os.environ["DATABASE_URL"]
    os.environ["DATABASE_URL"] = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    folder = Path(tempfile.mkdtemp(prefix="learnflow-crash-"))
    with (
        psycopg.connect(server, autocommit=True) as connection,
        own_redis_database(os.environ["REDIS_URL"]) as redis_url,
    ):
        os.environ["REDIS_URL"] = redis_url
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            django.setup()
            from tests.crash.run import report, run

            tallies = run(
                folder=folder, flows=options.flow, roles=options.role, services=options.service,
                every=options.every, first=int(part), step=int(parts), patience=options.patience,
            )  # fmt: skip
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            connection.execute(drop)
    if options.tally is None:
        all_held = report(tallies)
    else:
        # Whoever divided the run tells of it.
        options.tally.write_text(json.dumps({name: asdict(t) for name, t in tallies.items()}))
        all_held = not any(tally.failures for tally in tallies.values())
    if not all_held:
        print(f"logs and mails: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


@contextmanager
def own_redis_database(server: str) -> Iterator[str]:
    """Yield the address of an empty database that no other run has, on this server."""
    for number in _REDIS_DATABASES:
        url = urlunsplit(urlsplit(server)._replace(path=f"/{number}"))
        with redis.Redis.from_url(url) as client:
            if not client.set(_CLAIM, os.getpid(), nx=True, ex=_LONGEST_RUN_SECONDS):
                continue
            with client.pipeline(transaction=True) as emptied:
                emptied.flushdb().set(_CLAIM, os.getpid(), ex=_LONGEST_RUN_SECONDS).execute()
            try:
                yield url
            finally:
                client.flushdb()
            return
    raise SystemExit("Every database of this Redis that crash tests may use is taken.")


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash")
    parser.add_argument("--flow", action="append", help="only this flow (may be given again)")
    parser.add_argument("--role", action="append", choices=["web", "worker"])
    parser.add_argument("--service", action="append", choices=["postgres", "redis", "stripe"])
    parser.add_argument("--every", type=int, default=1, help="only each N-th exchange")
    parser.add_argument("--share", default="0/1", help="the I-th of N parts of the points")
    parser.add_argument("--tally", type=Path, help="write what was found there, as JSON")
    parser.add_argument("--shares", type=int, default=1, help="so many at a time")
    parser.add_argument(
        "--patience", type=float, default=60.0, help="seconds within which all has to be over"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
