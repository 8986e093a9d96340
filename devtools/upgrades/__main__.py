"""The command line; see the package."""

import argparse
import os
import sys
from pathlib import Path

from devtools.printable import be_printable
from devtools.upgrades.landed import HistoryMissingError, Landed, LandedEditedError

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str]) -> int:
    be_printable()
    options = _parse(arguments)
    try:
        if options.name == "land":
            landed = Landed.at_revision(ROOT, options.revision)
            landed.write(ROOT)
            print(f"{len(landed.hashes)} migrations have landed with {landed.revision[:12]}.")
            return 0
        if options.name == "previous":
            from devtools.upgrades.previous import run_previous

            return run_previous(ROOT, tests=options.tests, revision=options.revision)
    except HistoryMissingError as missing:
        print(f"Skipped: {missing}")
        return 0
    except LandedEditedError as problem:
        print(problem)
        return 1
    return _check()


def _check() -> int:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "learnflow.settings.testing")
    django.setup()
    from devtools.upgrades.rules import find_faults

    landed = Landed.read(ROOT)
    faults = [*landed.find_edited(ROOT), *find_faults(ROOT, landed)]
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m devtools.upgrades")
    commands = parser.add_subparsers(dest="name", required=True)
    commands.add_parser("check", help="say what breaks the rule")
    land = commands.add_parser("land", help="write down what has landed")
    land.add_argument("revision", nargs="?", default="HEAD")
    previous = commands.add_parser("previous", help="run the version before on the newest schema")
    previous.add_argument("--revision", help="another commit than the one that landed")
    previous.add_argument("tests", nargs="*", help="paths of tests in the version before")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
