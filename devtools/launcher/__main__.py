"""The launcher's command line."""

import argparse
import os
import sys
from pathlib import Path

from devtools.launcher.banner import complain
from devtools.launcher.configuration import read_configuration
from devtools.launcher.errors import LauncherError, describe
from devtools.launcher.manage import run_manage
from devtools.launcher.run import run
from devtools.launcher.services import keep_services, run_with_services
from devtools.launcher.state import remove_state
from devtools.printable import be_printable

_ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str]) -> int:
    """Do what the command line asks for. What can't be done is said in words, never as a traceback.

    Answers the exit status.
    """
    _speak_utf8(arguments)
    be_printable()
    options = _parse(arguments)
    try:
        return _do(options)
    except LauncherError as problem:
        complain(f"LearnFlow: {problem}")
    except OSError as problem:
        complain(f"LearnFlow: {describe(problem)}")
    except KeyboardInterrupt:
        return 130
    return 1


def _do(options: argparse.Namespace) -> int:
    if options.name == "services":
        return keep_services(options.state.resolve())
    if options.name == "test-env":
        return run_with_services(options.command)
    configuration = read_configuration(root=_ROOT, process=os.environ)
    if options.name == "manage":
        return run_manage(configuration, options.command)
    if options.name == "clean":
        return remove_state(configuration.state)
    return run(configuration)


def _speak_utf8(arguments: list[str]) -> None:
    """Begin again in UTF-8 where the machine's locale is another: paths, `.env` and every process
    that is started take their encoding from it."""
    if sys.getfilesystemencoding() == "utf-8" or sys.flags.utf8_mode:
        return
    os.environ["PYTHONUTF8"] = "1"
    os.execv(sys.executable, [sys.executable, "-m", "devtools.launcher", *arguments])


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m devtools.launcher")
    commands = parser.add_subparsers(dest="name", required=True)
    commands.add_parser("run", help="start LearnFlow in the foreground")
    commands.add_parser("clean", help="delete the state folder of `run`")
    manage = commands.add_parser("manage", help="run manage.py against the running instance")
    manage.add_argument("command", nargs=argparse.REMAINDER)
    test_env = commands.add_parser("test-env", help="run a command beside throw-away servers")
    test_env.add_argument("command", nargs="+")
    services = commands.add_parser("services", help="keep a PostgreSQL and a Redis running")
    services.add_argument("--state", type=Path, required=True)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
