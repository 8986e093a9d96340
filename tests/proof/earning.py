"""Rules of teachers who are paid, and of a balance that runs dry."""

from collections.abc import Iterator

from hypothesis.stateful import precondition
from hypothesis.strategies import booleans, sampled_from

from payments.models import Payout, PayoutAccount
from tests.proof.bank import JsonObject
from tests.proof.market import PICK, Market, act, minor
from tests.proof.world import SWEEPS, Person, let_payouts_rest

# What becomes of somebody's account; "set up" three times, as the rest needs one.
FATES = ("set up", "set up", "set up", "restrict", "reject", "take away", "look")
# What can leave our account at Stripe, in minor units; None: whatever is there.
BALANCES = (0, 0, 1500, None, None)


class Earning(Market):
    """Money on its way to who teaches."""

    @act(is_author=booleans(), what=sampled_from(FATES))
    def decide_about_account(self, is_author: bool, what: str) -> None:
        teacher = self._teachers()[is_author]
        row = PayoutAccount.objects.filter(instructor_id=teacher.id).first()
        account_id = row.stripe_account_id if row is not None else None
        if what == "set up":
            answer = self.world.call(teacher, "POST", "instructor/payout-account/", {})
            assert answer.status in (200, 201, 503), answer
            if answer.status != 503:
                row = PayoutAccount.objects.get(instructor_id=teacher.id)
                assert row.stripe_account_id
                # One that is closed, and nobody has told us yet, can't be set up.
                if row.stripe_account_id not in self.ended_accounts:
                    self.bank.standin.onboard(row.stripe_account_id)
        elif what == "look":
            assert self.world.call(teacher, "GET", "instructor/payout-account/").status == 200
        elif account_id is None or not self._end(account_id, what):
            return
        self.count(f"account: {what}")

    def _end(self, account_id: str, what: str) -> bool:
        """Whether it could be done: what is rejected or taken away already stays as it is."""
        standin = self.bank.standin
        if account_id in self.ended_accounts:
            return False
        if what == "restrict":
            standin.onboard(account_id, ready=False)
            return True
        self.ended_accounts.add(account_id)
        if what == "reject":
            standin.reject(account_id)
        else:
            standin.deauthorize(account_id)
        return True

    @precondition(lambda self: self.now.payments)
    @act(has_failed_lately=booleans())
    def pay_teachers(self, has_failed_lately: bool) -> None:
        """Payouts are planned and sent; what Stripe refused is planned anew a day later."""
        if not has_failed_lately:
            let_payouts_rest()
        SWEEPS["plan"]()
        SWEEPS["payouts"]()
        for payout in Payout.objects.values("status"):
            self.count(f"payout {payout['status']}")

    @precondition(lambda self: self.now.payments)
    @act(number=PICK, part=booleans())
    def take_payout_back(self, number: int, part: bool) -> None:
        """Staff reverse a transfer in the dashboard."""
        open_ones = [t for t in self.bank.transfers() if t["amount_reversed"] < t["amount"]]
        if open_ones:
            transfer = self.pick(open_ones, number)
            left = transfer["amount"] - transfer["amount_reversed"]
            self.bank.standin.reverse_transfer(transfer["id"], max(1, left // 2) if part else left)
            self.count("payout taken back")

    @act(available=sampled_from(BALANCES), waits=booleans())
    def limit_balance(self, available: int | None, waits: bool) -> None:
        self.bank.standin.limit_balance(available, refunds_wait=waits)
        self.count("balance enough" if available is None else "balance short")

    def converge(self) -> None:
        super().converge()
        self.hold_payouts()

    def hold_payouts(self) -> None:
        """What Stripe sent to whom, less what came back, is what our payouts say."""
        wrong = list(find_wrong_payouts(self.bank.transfers()))
        assert not wrong, "\n".join(wrong)

    def _teachers(self) -> tuple[Person, Person]:
        assert self.world.author is not None
        return self.world.buyers[-1], self.world.author


def find_wrong_payouts(transfers: list[JsonObject]) -> Iterator[str]:
    """Every transfer that isn't one paid payout of ours, whole or in part, and the reverse."""
    by_payout = {transfer["metadata"]["payout_id"]: transfer for transfer in transfers}
    if len(by_payout) != len(transfers):
        yield "a payout was transferred twice"
    for payout in Payout.objects.all():
        transfer = by_payout.pop(str(payout.id), None)
        if payout.status == Payout.Status.DUE:
            yield f"payout {payout.id} is still due: {payout.last_error}"
        elif transfer is None:
            if payout.status == Payout.Status.PAID:
                yield f"payout {payout.id} is paid here and unknown at Stripe"
        elif (transfer["amount"], transfer["destination"]) != (
            minor(payout.amount), payout.destination,
        ):  # fmt: skip
            yield f"payout {payout.id} of {payout.amount} was made as {transfer}"
        elif (transfer["amount_reversed"] == transfer["amount"]) != (
            payout.status == Payout.Status.FAILED
        ):
            yield f"payout {payout.id} is {payout.status}, {transfer['amount_reversed']} is back"
    for transfer in by_payout.values():
        yield f"transfer {transfer['id']} is of no payout here"
