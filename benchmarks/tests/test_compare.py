import pytest

from benchmarks.compare import Change, ComparisonError, compare, read_earlier
from benchmarks.results import to_json, write_results
from benchmarks.tests.samples import results, row_result


def test_a_change_within_the_noise_is_neither_good_nor_bad():
    assert Change(row="list", figure="rps", before=100, now=104).is_better is None
    assert Change(row="list", figure="rps", before=100, now=106).is_better is True
    assert Change(row="list", figure="rps", before=100, now=94).is_better is False


def test_less_latency_is_good_news():
    change = Change(row="list", figure="p99", before=10, now=5, more_is_better=False)
    assert (change.percent, change.is_better) == (-50.0, True)


def test_nothing_to_rise_from_is_no_change():
    assert Change(row="list", figure="rps", before=0, now=5).is_better is None


def test_what_both_results_have_is_compared():
    before = to_json(results(row_result(ratio=0.5, rps=500), row_result(name="gone"), growth=1.0))
    now = to_json(results(row_result(ratio=0.8, rps=800), row_result(name="new"), growth=2.0))
    changes = {(change.row, change.figure): change for change in compare(before, now)}
    assert set(changes) == {
        ("list", "x floor"), ("list", "rps"), ("list", "p50"), ("list", "p99"), ("list", "growth")
    }  # fmt: skip
    assert changes["list", "x floor"].before == 0.5
    assert changes["list", "x floor"].now == 0.8
    assert changes["list", "rps"].is_better is True
    assert changes["list", "growth"].is_better is False


def test_a_server_that_was_left_out_is_not_compared():
    alone = row_result()
    alone.ratios.clear()
    figures = {change.figure for change in compare(to_json(results(alone)), to_json(results()))}
    assert "x floor" not in figures


def test_catalogues_of_two_sizes_are_refused():
    with pytest.raises(ComparisonError, match=r"1,000 courses, this of 100,000"):
        compare(to_json(results(courses=1_000)), to_json(results()))


def test_an_earlier_result_is_read_back(tmp_path):
    path = tmp_path / "earlier.json"
    write_results(results(row_result()), path)
    assert read_earlier(path)["rows"][0]["name"] == "list"


@pytest.mark.parametrize("content", ["", "[]", "{}", "no json"])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(ComparisonError):
        read_earlier(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ComparisonError):
        read_earlier(tmp_path / "missing.json")
