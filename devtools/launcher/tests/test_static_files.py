"""The static files: collected when they changed, and never half a file taken for a whole one."""

from pathlib import Path

import pytest

from devtools.launcher import static_files


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with one static file."""
    folder = tmp_path / "checkout"
    (folder / "requirements").mkdir(parents=True)
    (folder / "requirements" / "development.txt").touch()
    (folder / "app" / "static").mkdir(parents=True)
    (folder / "app" / "static" / "page.css").write_text("whole")
    return folder


def _collect(state: Path) -> None:
    """As collectstatic does into an empty folder."""
    (static_files.empty_folder(state) / "page.css").write_text("whole")


@pytest.mark.parametrize("own", [False, True], ids=["ours", "configured"])
def test_what_a_kill_left_half_written_is_replaced(tmp_path: Path, root: Path, own: bool) -> None:
    target = tmp_path / "public" if own else tmp_path / "static"
    target.mkdir()
    (target / "page.css").write_text("ha")  # Newer than its source, and so "unmodified".
    (target / "mine.css").write_text("mine")
    (tmp_path / "static.new").mkdir()
    (tmp_path / "static.new" / "older.css").write_text("of a start before")
    assert not static_files.are_collected(root=root, state=tmp_path, target=target)

    _collect(tmp_path)
    static_files.put_in_place(root=root, state=tmp_path, target=target)

    assert (target / "page.css").read_text() == "whole"
    assert (target / "mine.css").exists() is own
    assert not (target / "older.css").exists()
    assert static_files.are_collected(root=root, state=tmp_path, target=target)


def test_they_are_collected_again_when_something_changed(tmp_path: Path, root: Path) -> None:
    target = tmp_path / "static"

    def are_collected() -> bool:
        return static_files.are_collected(root=root, state=tmp_path, target=target)

    def collect() -> None:
        _collect(tmp_path)
        static_files.put_in_place(root=root, state=tmp_path, target=target)
        assert are_collected()

    collect()
    (root / "app" / "static" / "page.css").write_text("changed")
    assert not are_collected()
    collect()
    for path in target.iterdir():
        path.unlink()
    target.rmdir()
    assert not are_collected()
    collect()
    assert not static_files.are_collected(root=root, state=tmp_path, target=tmp_path / "other")
    (tmp_path / "static.stamp").write_bytes(b"\xff")
    assert not are_collected()


def test_a_swap_cut_short_counts_as_not_collected(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "static"
    _collect(tmp_path)
    static_files.put_in_place(root=root, state=tmp_path, target=target)
    _collect(tmp_path)

    def pull_the_plug(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(static_files.shutil, "rmtree", pull_the_plug)
        with pytest.raises(KeyboardInterrupt):
            static_files.put_in_place(root=root, state=tmp_path, target=target)

    assert not static_files.are_collected(root=root, state=tmp_path, target=target)
