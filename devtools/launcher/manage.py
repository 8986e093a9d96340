"""`make manage`: Django's own commands against the databases of the running instance."""

import subprocess
import sys

from devtools.launcher.configuration import Configuration
from devtools.launcher.errors import LauncherError
from devtools.launcher.state import read_instance


class NotRunningError(LauncherError):
    """There is no instance to talk to."""


def run_manage(configuration: Configuration, command: list[str]) -> int:
    """Run `manage.py COMMAND` as the running instance sees the world. Answers its exit status.

    Raises NotRunningError.
    """
    facts = read_instance(configuration.state)
    if facts is None:
        raise NotRunningError(f"No instance runs with {configuration.state}. Start it: make run")
    environment = {**configuration.environment, **facts["environment"]}
    # Its numbers belong to the web processes.
    environment.pop("PROMETHEUS_MULTIPROC_DIR", None)
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=configuration.root,
        env=environment,
        check=False,
    ).returncode
