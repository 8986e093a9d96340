"""A process that has imported LearnFlow and forks it on demand, so that a restart takes no time.

    python -m tests.crash.nursery web|worker PORT LOGFILE

Reads `start` and `wait PID` from standard input, and answers `PID` and `gone`. Each child leads a
process group of its own, which is killed as a whole; the last one when standard input ends, as
whoever ran the test is gone.
"""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _run_web(port: str) -> None:
    from gunicorn.app.wsgiapp import run

    sys.argv = ["gunicorn", "--config", str(ROOT / "docker/gunicorn.conf.py"),
                "--bind", f"127.0.0.1:{port}", "--workers", "1",
                "learnflow.wsgi:application"]  # fmt: skip
    run()


def _run_worker(_port: str) -> None:
    from learnflow.celery import app

    app.worker_main(
        ["worker", "--loglevel", "INFO", "--concurrency", "1", "--without-mingle",
         "--without-gossip", "--without-heartbeat"]
    )  # fmt: skip


_ROLES = {"web": _run_web, "worker": _run_worker}


def _give_birth(role: str, port: str, log: str) -> int:
    pid = os.fork()
    if pid:
        return pid
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for descriptor, number in ((os.open(os.devnull, os.O_RDONLY), 0), (output, 1), (output, 2)):
        os.dup2(descriptor, number)
    try:
        _ROLES[role](port)
    finally:
        os._exit(1)


def main() -> None:
    role, port, log = sys.argv[1:4]
    import learnflow.wsgi  # noqa: F401 - imported here, so that no child has to
    from learnflow.celery import app

    app.loader.import_default_modules()
    print("ready", flush=True)
    child = 0
    for line in sys.stdin:
        match line.split():
            case ["start"]:
                child = _give_birth(role, port, log)
                print(child, flush=True)
            case ["wait", pid]:
                os.waitpid(int(pid), 0)
                child = 0
                print("gone", flush=True)
    if child:
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)


if __name__ == "__main__":
    main()
