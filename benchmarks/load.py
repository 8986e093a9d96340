"""Driving a server with wrk."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.streams import Request

HOST = "api.learnflow.test"
_SCRIPT = Path(__file__).with_name("stream.lua")
_MARK = "RESULT "


class LoadError(Exception):
    """A turn that can't be counted; the text is for the person who measures."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What wrk saw in one turn of one server; latencies in milliseconds."""

    requests: int
    rps: float
    p50: float
    p95: float
    p99: float


def require_wrk() -> None:
    """Raise LoadError, telling how to get it, unless wrk is installed."""
    if shutil.which("wrk") is None:
        raise LoadError("wrk is missing: install it with `apt-get install wrk` (or `brew`).")


def write_stream(requests: Sequence[Request], path: Path) -> Path:
    """Write the requests as `stream.lua` reads them; returns `path`."""
    path.write_text("".join(f"{request.path}\t{request.token}\n" for request in requests))
    return path


def drive(*, port: int, stream: Path, seconds: float, connections: int, skip: int = 0) -> Turn:
    """Keep `connections` busy for `seconds` with the requests of the file, from the one after
    `skip` on. Raises LoadError when anything but 2xx or 3xx came back."""
    command = [
        "wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds:g}s",
        "--timeout", "30s", "--header", f"Host: {HOST}", "--script", str(_SCRIPT),
        f"http://127.0.0.1:{port}", "--", str(stream), str(skip),
    ]  # fmt: skip
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        raise LoadError(f"wrk failed: {finished.stderr.strip() or finished.stdout.strip()}")
    return read_turn(finished.stdout)


def read_turn(output: str) -> Turn:
    """Return what wrk and `stream.lua` printed. Raises LoadError when a request wasn't answered
    well, as a server that refuses is fast."""
    lines = [line for line in output.splitlines() if line.startswith(_MARK)]
    if not lines:
        raise LoadError(f"wrk printed no result:\n{output}")
    seen = json.loads(lines[-1].removeprefix(_MARK))
    if seen["failed"] or seen["refused"] or not seen["requests"]:
        raise LoadError(
            f"{seen['requests']} requests, {seen['failed']} without an answer, "
            f"{seen['refused']} with a status of 400 or more"
        )
    return Turn(
        requests=seen["requests"],
        rps=seen["requests"] / (seen["microseconds"] / 1e6),
        p50=seen["p50"] / 1000,
        p95=seen["p95"] / 1000,
        p99=seen["p99"] / 1000,
    )
