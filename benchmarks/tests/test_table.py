from io import StringIO

from rich.console import Console

from benchmarks.compare import Change
from benchmarks.table import print_changes, print_results
from benchmarks.tests.samples import results, row_result


def _lines(printed: StringIO) -> list[str]:
    return [" ".join(line.replace("│", " ").split()) for line in printed.getvalue().splitlines()]


def test_each_server_has_a_line_with_its_figures_and_verdict():
    printed = StringIO()
    print_results(results(row_result(rps=812)), Console(file=printed, width=130))
    lines = _lines(printed)
    assert "list: a list" in lines
    assert "product 812 1.0 2.0 3.0 1.00 ≤ 1 SQL met" in lines
    assert "floor 1,000 1.0 2.0 3.0 ? 0.80x ≥ 0.7x met" in lines
    assert "list 2.00 2.40 1.20x ≤ 1.5x met" in lines
    assert lines[-1].endswith("100,000 courses: every target met")


def test_what_is_missed_is_said():
    printed = StringIO()
    row = row_result(ratio=0.3, remarks=("floor answered from a cache",))
    print_results(results(row, growth=9.0), Console(file=printed, width=130))
    lines = _lines(printed)
    assert "floor 1,000 1.0 2.0 3.0 ? 0.30x ≥ 0.7x missed" in lines
    assert "list: floor answered from a cache" in lines
    assert "list 2.00 18.00 9.00x ≤ 1.5x missed" in lines
    assert lines[-1].endswith("targets missed")


def test_changes_are_shown_in_percent():
    printed = StringIO()
    change = Change(row="list", figure="rps", before=1000, now=1500)
    print_changes([change], Console(file=printed, width=130))
    assert "list rps 1,000 1,500 +50 %" in _lines(printed)


def test_a_quick_run_is_held_to_no_target():
    printed = StringIO()
    missed = results(row_result(ratio=0.3))
    print_results(missed, Console(file=printed, width=130), judged=False)
    assert _lines(printed)[-1].endswith("everything ran; the targets are for a whole run")
