import json

import pytest

from benchmarks.results import Ratio, ScaleResult, paired_ratio, summarise, to_json, write_results
from benchmarks.rows import find_row
from benchmarks.statements import Counted
from benchmarks.tests.samples import contender, results, row_result, turn


def test_a_ratio_is_taken_within_each_round():
    # The machine was half as fast in the second round, for both.
    ours, theirs = [turn(80), turn(40), turn(90)], [turn(100), turn(50), turn(100)]
    assert paired_ratio(ours, theirs) == 0.8


def test_figures_are_medians_over_the_turns():
    row = summarise(
        find_row("list"),
        {
            "product": [turn(80, latency=1), turn(10, latency=9), turn(90, latency=2)],
            "floor": [turn(100)] * 3,
            "textbook": [turn(4)] * 3,
        },
        {"product": Counted(per_request=1.04, pings=0), "floor": None},
    )
    product = row.contenders["product"]
    assert (product.rps, product.p50, product.p95, product.p99) == (80, 2, 4, 6)
    assert product.turns == [80, 10, 90]
    assert row.ratios["floor"] == Ratio(value=0.8, target=0.70)
    assert row.ratios["textbook"] == Ratio(value=20, target=10)
    assert row.holds
    assert row.remarks == []


def test_a_ratio_below_its_target_fails_the_run():
    assert results(row_result(ratio=0.70)).holds
    assert not results(row_result(ratio=0.69)).holds


@pytest.mark.parametrize(("statements", "holds"), [(1.0, True), (1.1, True), (1.9, False)])
def test_one_statement_more_fails_the_row(statements, holds):
    row = row_result()
    row.contenders["product"] = contender(800, statements=statements)
    assert row.statements_hold is holds
    assert row.holds is holds


def test_statements_that_nobody_counted_are_not_judged():
    row = row_result()
    row.contenders["product"] = contender(800)
    assert row.statements_hold is None
    assert row.holds


def test_a_server_that_answers_from_a_cache_is_named_and_fails_the_row():
    row = summarise(
        find_row("list"),
        {"product": [turn(500)], "floor": [turn(100)]},
        {"product": Counted(per_request=0.2, pings=0), "floor": Counted(per_request=1, pings=0)},
    )
    assert row.remarks == ["product answered from a cache: 0.20 statements a request"]
    assert not row.holds


def test_on_the_hot_row_a_cache_is_what_is_measured():
    row = summarise(
        find_row("hot"),
        {"product": [turn(80)], "floor": [turn(100)]},
        {"product": Counted(per_request=0.01, pings=0), "floor": Counted(per_request=0, pings=0)},
    )
    assert row.holds


def test_growth_is_the_largest_over_the_smallest():
    grown = ScaleResult(name="list", p50={100_000: 3.0, 1_000: 2.0}, target=1.5)
    assert grown.growth == 1.5
    assert grown.holds
    assert not results(row_result(), growth=1.6).holds


def test_json_carries_the_verdicts(tmp_path):
    path = tmp_path / "result.json"
    found = results(row_result(ratio=0.5))
    write_results(found, path)
    written = json.loads(path.read_text())
    assert written == json.loads(json.dumps(to_json(found)))
    assert written["holds"] is False
    assert written["rows"][0]["holds"] is False
    assert written["rows"][0]["contenders"]["product"]["statements"]["per_request"] == 1.0
    assert (written["scale"][0]["growth"], written["scale"][0]["holds"]) == (1.2, True)
