"""Shows how far a long command is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich import progress
from rich.console import Console

Advance = Callable[[int], None]


class Progress:
    """A bar per step of a long piece of work; off a terminal, the last state of each bar alone."""

    def __init__(self, console: Console) -> None:
        self._bars = progress.Progress(
            progress.TextColumn("{task.description:<24}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TimeElapsedColumn(),
            progress.TimeRemainingColumn(),
            console=console,
            refresh_per_second=4,
        )

    @contextmanager
    def step(self, name: str, *, total: int) -> Iterator[Advance]:
        """Show a step; call what this gives with how many more of `total` are done."""
        task = self._bars.add_task(name, total=total)
        yield lambda steps: self._bars.advance(task, steps)
        self._bars.stop_task(task)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()
