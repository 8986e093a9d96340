"""Brings the database up to date: `python -m devtools.launcher.prepare [--demo]`.

Both commands in one process, as half the time of either is the start of Django.
"""

import sys

import django
from django.core.management import call_command


def main(arguments: list[str]) -> None:
    django.setup()
    call_command("migrate", interactive=False, verbosity=1)
    if "--demo" in arguments:
        call_command("load_demo")


if __name__ == "__main__":
    main(sys.argv[1:])
