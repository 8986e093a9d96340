"""Brings the database up to date: `python -m devtools.launcher.prepare [--demo]`.

Both commands in one process, as half the time of either is the start of Django.
"""

import sys

import django
from django.core.management import CommandError, call_command

from devtools.printable import be_printable

# The exit status of a database that is up to date and holds no demo, as it holds something else.
NO_DEMO = 3


def main(arguments: list[str]) -> int:
    be_printable()
    django.setup()
    call_command("migrate", interactive=False, verbosity=1)
    if "--demo" not in arguments:
        return 0
    try:
        call_command("load_demo")
    except CommandError as refusal:
        print(refusal)
        return NO_DEMO
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
