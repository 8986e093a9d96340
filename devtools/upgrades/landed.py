"""What has landed: the commit of the version before this tree's, and its migrations by their hash.

A migration that has landed may have run on somebody's database. It is never edited: its successor
puts right what it got wrong.
"""

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

LIST = Path("devtools", "upgrades", "landed.txt")
_HEAD = """\
# The migrations that have landed, none of which is ever edited, by SHA-256; and the commit they
# landed with, whose code must work on the newest schema. Written by `make land-migrations`.
"""


class HistoryMissingError(Exception):
    """Git or the commit isn't here, such as in a shallow clone or an unpacked archive."""


class LandedEditedError(Exception):
    """What has landed would be written down differently from before."""


@dataclass(frozen=True, kw_only=True)
class Landed:
    """`hashes` are by path, as from the root of the tree."""

    revision: str
    hashes: dict[str, str]

    @classmethod
    def read(cls, root: Path) -> "Landed":
        lines = [line.split() for line in (root / LIST).read_text().splitlines() if line[0] != "#"]
        return cls(revision=lines[0][1], hashes={path: digest for digest, path in lines[1:]})

    @classmethod
    def at_revision(cls, root: Path, revision: str) -> "Landed":
        """What has landed once the commit has. Raises HistoryMissingError, or LandedEditedError
        when a migration that had landed before isn't the same in it."""
        commit = git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
        paths = git(root, "ls-tree", "-r", "--name-only", "-z", commit).split("\0")
        hashes = {
            path: _hash(git(root, "show", f"{commit}:{path}").encode())
            for path in sorted(paths)
            if is_migration(Path(path))
        }
        before = cls.read(root).hashes if (root / LIST).exists() else {}
        changed = [path for path, digest in before.items() if hashes.get(path) != digest]
        if changed:
            raise LandedEditedError(f"Landed before, and another in {revision}: {changed}")
        return cls(revision=commit, hashes=hashes)

    def write(self, root: Path) -> None:
        lines = [f"{digest} {path}\n" for path, digest in sorted(self.hashes.items())]
        (root / LIST).write_text(f"{_HEAD}previous {self.revision}\n{''.join(lines)}")

    def find_edited(self, root: Path) -> list[str]:
        """Say which of the landed migrations are gone or not as they were."""
        faults = []
        for path, digest in self.hashes.items():
            if not (root / path).exists():
                faults.append(f"{path}: has landed and is gone")
            elif _hash((root / path).read_bytes()) != digest:
                faults.append(f"{path}: has landed and was edited; write another after it")
        return faults


def is_migration(path: Path) -> bool:
    """Whether the path, from the root of the tree, is that of a migration."""
    return path.parent.name == "migrations" and path.name[:4].isdigit() and path.suffix == ".py"


def git(root: Path, *arguments: str) -> str:
    """Return what git says. Raises HistoryMissingError."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, check=True, encoding="utf-8"
        )
    except (OSError, subprocess.CalledProcessError) as problem:
        raise HistoryMissingError(
            "git doesn't know the version before; in a clone, `git fetch --unshallow` brings it"
        ) from problem
    return done.stdout


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
