"""A world for a test, and the run's figures at its end."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from celery import current_app

from tests.proof.market import Tally
from tests.proof.world import World, open_world

LONG_RUN = 20_000
MUST_HAPPEN = (
    "orders completed",
    "orders refunded",
    "orders failed",
    "refunds succeeded",
    "refunds failed",
    "refunds canceled",
    "enrollments revoked",
    "enrollments suspended",
    "disputes won",
    "disputes lost",
    "disputes warning_closed",
    "refund because requested",
    "refund because late_payment",
    "refund because duplicate_payment",
    "refund because amount_mismatch",
    "refund because already_owned",
    "refund because at_stripe",
    "payout paid",
    "payout failed",
    "payout taken back",
    "account: reject",
    "account: take away",
    "balance short",
    "withdrawn from enrolling",
    "withdrawn from the cart",
    "converged",
)


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
    """Tell what the proofs came to."""
    write = terminalreporter.write_line
    told = list(_told(terminalreporter))
    tally = _add_up(told)
    orders = sum(one.get("event orders", 0) for one in told)
    if tally.steps or orders:
        terminalreporter.section("proof of money")
        write(f"{tally.steps:,} steps in {tally.histories:,} histories; {orders:,} event orders")
        write("rules: " + _listed(tally.rules))
        write("outcomes: " + _listed(tally.outcomes))
    for one in told:
        if "checkouts" in one:
            _tell_checkouts(write, one["checkouts"])


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a long run in which something never happened: that it holds was not shown."""
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    tally = _add_up(_told(reporter)) if reporter else Tally()
    missing = [name for name in MUST_HAPPEN if not tally.outcomes[name]]
    if tally.steps >= LONG_RUN and missing:
        reporter.write_line(f"never happened: {', '.join(missing)}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _told(reporter: Any) -> Iterator[dict[str, Any]]:
    """What the tests that passed recorded of themselves."""
    for report in reporter.getreports("passed"):
        if report.when == "call":
            yield dict(report.user_properties)


def _add_up(told: Iterable[dict[str, Any]]) -> Tally:
    tally = Tally()
    for one in told:
        part = one.get("tally", {})
        tally.steps += part.get("steps", 0)
        tally.histories += part.get("histories", 0)
        tally.rules.update(part.get("rules", {}))
        tally.outcomes.update(part.get("outcomes", {}))
    return tally


def _tell_checkouts(write: Callable[[str], None], told: dict[str, Any]) -> None:
    write(
        f"{told['count']:,} checkouts: {told['orders']:,} orders, {told['completed']:,} completed"
    )
    write(f"requests: median {told['median_ms']} ms, 95 % within {told['p95_ms']} ms")
    write("outcomes: " + _listed(Counter(told["outcomes"])))
    write("answers: " + _listed(Counter(told["answers"])))


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.most_common())
