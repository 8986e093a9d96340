"""A world for a test, and the run's figures at its end."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import current_app

from tests.proof.world import World, open_world


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody hears nudges: every sweep is a step of the test."""
    monkeypatch.setattr(current_app, "send_task", lambda *_, **__: None)
    caplog.set_level("ERROR")


@pytest.fixture
def world(transactional_db: None) -> Iterator[World]:
    """An empty marketplace."""
    with open_world() as world:
        yield world


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Add up what the histories and the orders of events came to."""
    steps = histories = orders = 0
    rules: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        told = dict(report.user_properties)
        if report.when == "call" and "tally" in told:
            steps += told["tally"]["steps"]
            histories += told["tally"]["histories"]
            rules.update(told["tally"]["rules"])
            outcomes.update(told["tally"]["outcomes"])
        if report.when == "call":
            orders += told.get("event orders", 0)
        if report.when == "call" and "checkouts" in told:
            _tell_checkouts(terminalreporter.write_line, told["checkouts"])
    if steps or orders:
        write = terminalreporter.write_line
        terminalreporter.section("proof of money")
        write(f"{steps:,} steps in {histories:,} histories; {orders:,} orders of events")
        write("rules: " + _listed(rules))
        write("outcomes: " + _listed(outcomes))


def _tell_checkouts(write: Callable[[str], None], told: dict[str, Any]) -> None:
    write(
        f"{told['count']:,} checkouts: {told['orders']:,} orders, {told['completed']:,} completed"
    )
    write(f"requests: median {told['median_ms']} ms, 95 % within {told['p95_ms']} ms")
    write("outcomes: " + _listed(Counter(told["outcomes"])))
    write("answers: " + _listed(Counter(told["answers"])))


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.most_common())
