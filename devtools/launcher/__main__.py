"""The launcher's command line."""

import argparse
import sys
from pathlib import Path

from devtools.launcher.services import keep_services, run_with_services


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m devtools.launcher")
    commands = parser.add_subparsers(dest="name", required=True)
    test_env = commands.add_parser("test-env", help="run a command beside throw-away servers")
    test_env.add_argument("command", nargs=argparse.REMAINDER)
    services = commands.add_parser("services", help="keep a PostgreSQL and a Redis running")
    services.add_argument("--state", type=Path, required=True)
    options = parser.parse_args(arguments)
    if options.name == "services":
        keep_services(options.state.resolve())
        return 0
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        test_env.error("a command is missing")
    return run_with_services(command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
