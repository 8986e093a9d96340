"""Which method and path mean what. A path names one thing at most, in its third part."""

from collections.abc import Iterable
from typing import Generic, TypeVar

Meaning = TypeVar("Meaning")


class Paths(Generic[Meaning]):
    """Finds what was said of `/group/things/{any name}/verb` for a path such as that."""

    def __init__(self, known: Iterable[tuple[str, str, Meaning]]) -> None:
        """`known` are methods, paths and what they mean."""
        self._plain: dict[tuple[str, str], Meaning] = {}
        self._naming: dict[tuple[str, str], Meaning] = {}
        for method, path, meaning in known:
            parts = path.split("/")
            if len(parts) > 3 and parts[3].startswith("{"):
                parts[3] = ""
                self._naming[method, "/".join(parts)] = meaning
            else:
                self._plain[method, path] = meaning

    def find(self, method: str, path: str) -> tuple[Meaning, str] | None:
        """What it means, and what the path names (or nothing); None for an unknown one.

        HEAD is found as GET, and a slash too many at the end is overlooked.
        """
        method, path = "GET" if method == "HEAD" else method, path.removesuffix("/")
        meaning = self._plain.get((method, path))
        if meaning is not None:
            return meaning, ""
        parts = path.split("/")
        if len(parts) < 4 or not parts[3]:
            return None
        target, parts[3] = parts[3], ""
        meaning = self._naming.get((method, "/".join(parts)))
        return None if meaning is None else (meaning, target)
