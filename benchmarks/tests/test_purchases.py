from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from benchmarks.options import parse_options
from benchmarks.purchases import Share, _sum_up
from benchmarks.results import to_json
from benchmarks.table import print_results
from benchmarks.tests.samples import purchase_result, results


def test_they_are_measured_only_when_asked_for():
    assert "purchases" not in parse_options([]).only
    options = parse_options(["--only", "purchases"])
    assert (options.only, options.scale, options.purchases) == (("purchases",), (), 500)
    assert parse_options(["--only", "purchases", "--quick"]).purchases == 20


def test_waits_are_from_payment_to_access():
    paid = {f"pi_{number}": 100.0 + number for number in range(101)}
    settled = {intent: at + 2.0 for intent, at in paid.items()} | {"pi_of_before": 5.0}
    settled["pi_0"] = 100.0 + 40.0
    shares = [
        Share(times=2.0, milliseconds=3.0, query="UPDATE orders_numberseries SET"),
        Share(times=1.0, milliseconds=4.0, query="INSERT"),
    ]
    calls = {"payment_intents.retrieve": 202, "payment_intents.confirm": 101, "refunds.list": 0}
    result = _sum_up(paid, settled, calls, shares, {"web": 0.202})
    assert (result.purchases, result.p50, result.p95) == (101, 2.0, 2.0)
    # From the first payment to the last access.
    assert result.a_second == pytest.approx(101 / 102)
    assert result.calls == {"payment_intents.retrieve": 2.0}
    assert result.processors == {"web": pytest.approx(2.0)}
    assert (result.statements, result.database_ms, result.number_wait) == (3.0, 7.0, 3.0)


@pytest.mark.parametrize(
    ("a_second", "p95", "holds"), [(100, 2.9, True), (99, 2.9, False), (100, 3.0, False)]
)
def test_both_targets_are_to_be_met(a_second: float, p95: float, holds: bool):
    result = purchase_result(a_second=a_second, p95=p95)
    assert result.holds is holds
    whole = replace(results(), purchases=result)
    assert whole.holds is holds
    assert to_json(whole)["purchases"]["holds"] is holds


def test_they_are_printed_with_where_the_time_goes():
    printed = StringIO()
    whole = replace(results(), purchases=purchase_result(p95=4.0))
    print_results(whole, Console(file=printed, width=130))
    lines = [" ".join(line.replace("│", " ").split()) for line in printed.getvalue().splitlines()]
    assert "settled a second 120.0 ≥ 100 met" in lines
    assert "p95 4.00 < 3 missed" in lines
    assert "calls to Stripe a purchase: payment_intents.retrieve 1.25" in lines
    assert "the machine's load in the last minute 1.5" in lines
    work = [line for line in lines if line.startswith("processors' time a purchase, ms:")]
    assert [line.split(": ")[1] for line in work] == ["worker-money 8.0", "web 3.0"]
    assert "1.00 x INSERT [x] 0.40 ms" in lines
