"""Several log files as one stream."""

from pathlib import Path

from devtools.launcher.logs import LogStream


def test_new_whole_lines_are_shown_with_their_programs_name(tmp_path: Path) -> None:
    (tmp_path / "web.log").write_text("old\n")
    shown: list[str] = []
    stream = LogStream(folder=tmp_path, names=["web", "worker"], show=shown.append)
    with (tmp_path / "web.log").open("a") as log:
        log.write("one\nhalf")
    (tmp_path / "worker.log").write_text("from a file made later\n")

    stream.close()

    assert shown == ["web    | one", "worker | from a file made later"]


def test_a_rotated_file_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text("a long line that was there before\n")
    shown: list[str] = []
    stream = LogStream(folder=tmp_path, names=["web"], show=shown.append)
    log.rename(tmp_path / "web.log.1")
    log.write_text("new\n")

    stream.close()

    assert shown == ["web | new"]
