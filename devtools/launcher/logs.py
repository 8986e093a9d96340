"""The log files of several programs as one stream of lines, each with its program's name."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

_PAUSE_SECONDS = 0.2


class LogStream:
    """Shows what is appended to each `NAME.log` in `folder` from now on, until it is closed."""

    def __init__(self, *, folder: Path, names: Sequence[str], show: Callable[[str], None]) -> None:
        self._width = max(len(name) for name in names)
        self._tails = [_Tail(folder / f"{name}.log", name) for name in names]
        self._show = show
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="logs", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Show what is left and stop."""
        self._closing.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._closing.wait(_PAUSE_SECONDS):
            self._show_new()
        self._show_new()

    def _show_new(self) -> None:
        for tail in self._tails:
            for line in tail.new_lines():
                self._show(f"{tail.name:<{self._width}} | {line}")


class _Tail:
    """The whole lines appended to a file, which may be rotated or not be there yet."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self._path = path
        self._position = path.stat().st_size if path.exists() else 0
        self._rest = b""

    def new_lines(self) -> list[str]:
        try:
            with self._path.open("rb") as file:
                if file.seek(0, 2) < self._position:  # Rotated: a new, shorter file.
                    self._position = 0
                file.seek(self._position)
                data = file.read()
        except FileNotFoundError:
            return []
        self._position += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [line.decode(errors="replace").rstrip("\r") for line in lines]
