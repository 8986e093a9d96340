#!/usr/bin/env python
"""Django's command line for LearnFlow."""

import io
import os
import sys


def main() -> None:
    """Run a management command with the development settings unless told otherwise."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A title is no error on a terminal that doesn't know its letters; data stay whole.
        sys.stdout.reconfigure(errors="backslashreplace")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "learnflow.settings.development")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
