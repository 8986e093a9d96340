"""The lines of a lock."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_LINE = re.compile(r"^[A-Za-z0-9][^\\#]*==[^\\#]*")


class NotInstalledError(Exception):
    """What a lock pins isn't what is installed here; the text is one line that says so."""


@dataclass(frozen=True, kw_only=True)
class Pin:
    """One line of a lock: a package at one version, with the extras this line takes."""

    name: str
    version: str
    extras: frozenset[str] = frozenset()
    marker: Marker | None = None

    @property
    def applies(self) -> bool:
        """Whether it is for this Python on this machine."""
        return self.marker is None or self.marker.evaluate()

    def find_installed(self) -> Distribution:
        """What is installed of it. Raises NotInstalledError, also for another version."""
        try:
            found = distribution(self.name)
        except PackageNotFoundError:
            raise NotInstalledError(f"{self.name} isn't installed: run make install") from None
        if found.version != self.version:
            raise NotInstalledError(
                f"{self.name} is pinned to {self.version}, but {found.version} is installed: "
                "run make install"
            )
        return found

    def requirements(self) -> list[Requirement]:
        """What it needs here, with the extras that are taken. Raises NotInstalledError."""
        wanted = [{"extra": extra} for extra in ("", *self.extras)]
        every = [Requirement(text) for text in self.find_installed().requires or ()]
        return [
            requirement
            for requirement in every
            if requirement.marker is None
            or any(requirement.marker.evaluate(environment) for environment in wanted)
        ]


def read_pins(lock: Path) -> list[Pin]:
    """Every pin of the lock, in its order."""
    lines = (match[0] for line in lock.read_text().splitlines() if (match := _LINE.match(line)))
    return [_read_pin(Requirement(line.strip())) for line in lines]


def pins_that_apply(pins: Iterable[Pin]) -> list[Pin]:
    """Those that are for this Python on this machine."""
    return [pin for pin in pins if pin.applies]


def _read_pin(requirement: Requirement) -> Pin:
    (specifier,) = requirement.specifier
    return Pin(
        name=canonicalize_name(requirement.name),
        version=specifier.version,
        extras=frozenset(canonicalize_name(extra) for extra in requirement.extras),
        marker=requirement.marker,
    )
