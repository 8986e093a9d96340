"""Runs the demo against the instance of `make run` and prints each step with its time."""

import argparse
import os
import sys
import time
from pathlib import Path

from devtools.demo_purchase.client import PATIENCE_SECONDS, DemoError, PatientClient
from devtools.demo_purchase.journey import Journey
from devtools.demo_purchase.slow_money import SlowMoney
from devtools.launcher.configuration import read_configuration
from devtools.launcher.errors import LauncherError
from devtools.launcher.state import read_instance
from devtools.printable import be_printable

_ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str]) -> int:
    be_printable()
    parser = argparse.ArgumentParser(prog="python -m devtools.demo_purchase")
    parser.add_argument(
        "--patience", type=float, default=PATIENCE_SECONDS,
        help="seconds that each answer, the settlement and the certificate may take",
    )  # fmt: skip
    try:
        travel(find_instance(patience=parser.parse_args(arguments).patience))
    except (DemoError, LauncherError) as problem:
        print(f"demo-purchase failed: {problem}", file=sys.stderr)
        return 1
    print("demo-purchase: everything held.")
    return 0


def find_instance(*, patience: float = PATIENCE_SECONDS) -> Journey:
    """A journey through the running instance, found the way `make run` was told to start it.

    Raises DemoError when none runs, or when it takes real money.
    """
    configuration = read_configuration(root=_ROOT, process=os.environ)
    facts = read_instance(configuration.state)
    if facts is None:
        raise DemoError(f"no instance runs with the state folder {configuration.state}: make run")
    if "stripe_url" not in facts:
        raise DemoError("the instance is configured for Stripe itself; the demo needs the stand-in")
    return Journey(
        api=PatientClient(facts["url"], patience=patience),
        stripe=PatientClient(facts["stripe_url"], patience=patience),
        patience=patience,
    )


def travel(journey: Journey) -> None:
    """Take every step in order. Raises DemoError at the first that does not hold."""
    slow = SlowMoney(journey)
    steps = (
        ("sign up", journey.sign_up),
        ("find a course", journey.find_course),
        ("fill the cart", journey.fill_cart),
        ("place the order", journey.place_order),
        ("create the payment intent", journey.create_intent),
        ("pay with a test card", journey.pay),
        ("settled by the webhook", journey.await_settlement),
        ("open the course", journey.open_course),
        ("learn every lesson", journey.learn),
        ("certificate is made", journey.await_certificate),
        ("download the certificate", journey.download_certificate),
        ("verify it without a login", journey.verify_certificate),
        ("order another course", slow.order_another),
        ("pay it by bank debit", slow.pay_by_debit),
        ("ordered again meanwhile", slow.leave_it_alone),
        ("the bank sends the money", slow.let_it_arrive),
        ("the bank takes it back", slow.lose_a_dispute),
    )
    beginning = time.monotonic()
    for name, step in steps:
        start = time.monotonic()
        outcome = step()
        print(f"  {name:<26} {time.monotonic() - start:6.2f} s   {outcome}", flush=True)
    print(f"  {'in all':<26} {time.monotonic() - beginning:6.2f} s")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
