import pytest

from benchmarks.load import LoadError, read_turn, require_wrk, write_stream
from benchmarks.streams import Request

_OUTPUT = """Running 1s test @ http://127.0.0.1:1
  10 requests in 1.00s

RESULT {"requests": 100, "microseconds": 2000000, "bytes": 9, "failed": %d, "refused": %d, \
"p50": 1500, "p95": 2500, "p99": 9000}
"""


def test_what_wrk_saw_is_read_in_milliseconds():
    turn = read_turn(_OUTPUT % (0, 0))
    assert (turn.requests, turn.rps) == (100, 50.0)
    assert (turn.p50, turn.p95, turn.p99) == (1.5, 2.5, 9.0)


@pytest.mark.parametrize(("failed", "refused"), [(1, 0), (0, 1)])
def test_a_turn_with_a_bad_answer_does_not_count(failed, refused):
    with pytest.raises(LoadError, match=f"{failed} without an answer, {refused} with a status"):
        read_turn(_OUTPUT % (failed, refused))


def test_no_result_is_a_problem():
    with pytest.raises(LoadError, match="no result"):
        read_turn("unable to connect")


def test_a_missing_wrk_is_told_with_its_remedy(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(LoadError, match="apt-get install wrk"):
        require_wrk()


def test_a_stream_is_a_path_and_a_token_on_each_line(tmp_path):
    path = write_stream([Request(path="/a/"), Request(path="/b/", token="t")], tmp_path / "s")
    assert path.read_text() == "/a/\t\n/b/\tt\n"
