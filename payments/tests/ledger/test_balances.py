"""The database's running balances: the sums of the entries at every commit, whatever was folded."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Sum
from django.utils import timezone

from payments import books, ledger
from payments.ledger import balances, payouts
from payments.models import (
    Balance,
    BalanceChange,
    LedgerEntry,
    Payment,
    Payout,
    PayoutAccount,
    RunningBalance,
)
from payments.selectors import earnings
from payments.tests.ledger.conftest import Sell, add_refund, teacher_of
from tests.emptying import unguarded
from tests.parallel import run_in_parallel
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

SUMS = ("amount", "entries", "sales", "sold", "sent")


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def let_time_pass() -> None:
    """All that was held was due two hours ago."""
    with unguarded():
        run("UPDATE payments_balancechange SET held_until = now() - interval '2 hours'"
            " WHERE held_until IS NOT NULL")  # fmt: skip


def are_the_ledgers() -> bool:
    rule = next(one for one in books.INVARIANTS if one.name == "balances_are_the_ledgers")
    return books.verify(invariants=(rule,)) == []


def sums() -> list[dict[str, object]]:
    """The running balances, added up."""
    keys = ("currency", "account", "instructor", "course")
    rows = RunningBalance.objects.order_by(*keys).values(*keys)
    return list(rows.annotate(**{f"all_{name}": Sum(name) for name in SUMS}))


@pytest.fixture
def teacher(sell: Sell, settings) -> User:
    """Sold for 40.00 once and 10.00 of it given back, which can be paid, and 20.00 were; sold twice
    more, which is held."""
    held, settings.EARNINGS_HOLD = settings.EARNINGS_HOLD, dt.timedelta(0)
    first = sell("40.00")
    settings.EARNINGS_HOLD = held
    with transaction.atomic():
        ledger.post_refund(refund=add_refund(first, "10.00"))
    sell("40.00")
    sell("40.00")
    who = teacher_of(first)
    pay(who, "20.00")
    return who


def pay(teacher: User, amount: str) -> Payout:
    account, _ = PayoutAccount.objects.get_or_create(instructor=teacher)
    with transaction.atomic():
        payout = Payout.objects.create(
            account=account, amount=Decimal(amount), currency="usd", status="paid",
            paid_at=timezone.now(), next_attempt_at=timezone.now(),
            stripe_transfer_id=f"tr_{Payout.objects.count()}",
        )  # fmt: skip
        payouts.post_payout(payout=payout)
    return payout


def test_every_entry_counts_in_its_own_transaction(teacher: User) -> None:
    assert are_the_ledgers()
    assert sum(row["all_entries"] for row in sums()) == LedgerEntry.objects.count()  # type: ignore[misc]
    assert not Balance.objects.exists()


def test_folding_changes_no_sum(teacher: User) -> None:
    before = sums()
    folded = balances.fold_balances()
    assert folded > 0
    assert sums() == before
    assert set(BalanceChange.objects.values_list("account", flat=True)) == {"instructor"}
    assert are_the_ledgers()
    let_time_pass()
    assert balances.fold_balances() > 0
    assert sums() == before
    assert not BalanceChange.objects.exists()
    assert balances.fold_balances() == 0


def test_what_is_held_is_not_folded_nor_payable(teacher: User) -> None:
    assert balances.get_payable(instructor_id=teacher.id) == Decimal("1.00")
    balances.fold_balances()
    with pytest.raises(IntegrityError, match="is held until"):
        BalanceChange.objects.filter(held_until__isnull=False).delete()
    assert balances.get_payable(instructor_id=teacher.id) == Decimal("1.00")
    let_time_pass()
    assert balances.get_payable(instructor_id=teacher.id) == Decimal("57.00")
    balances.fold_balances()
    assert balances.get_payable(instructor_id=teacher.id) == Decimal("57.00")


def test_a_fold_goes_on_over_many_batches(teacher: User, monkeypatch: pytest.MonkeyPatch) -> None:
    before, count = sums(), BalanceChange.objects.filter(held_until=None).count()
    monkeypatch.setattr(balances, "FOLDED_TOGETHER", 2)
    assert balances.fold_balances() == count > 4
    assert sums() == before


def test_a_fold_that_is_rolled_back_changed_nothing(teacher: User) -> None:
    before = sums()
    with transaction.atomic():
        balances.fold_balances()
        transaction.set_rollback(True)
    assert sums() == before
    assert not Balance.objects.exists()


def test_many_who_fold_at_once_count_each_change_once(teacher: User, sell: Sell) -> None:
    let_time_pass()
    before = sums()
    results = run_in_parallel(6, lambda number: balances.fold_balances())
    assert not [result for result in results if isinstance(result, Exception)]
    balances.fold_balances()
    assert sums() == before


@pytest.mark.parametrize("table", ["payments_balance", "payments_balancechange"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET amount = amount - 1",
        "TRUNCATE {}",
        "INSERT INTO {} (currency, account, amount, entries, sales, sold, sent)"
        " VALUES ('usd', 'stripe', 1, 1, 0, 0, 0)",
    ],
)  # fmt: skip
def test_nobody_writes_by_hand(teacher: User, table: str, statement: str) -> None:
    balances.fold_balances()
    with pytest.raises(IntegrityError, match="balances follow from the ledger"):
        run(statement.format(table))
    assert are_the_ledgers()


def test_no_balance_is_deleted_by_hand(teacher: User) -> None:
    balances.fold_balances()
    with pytest.raises(IntegrityError, match="balances follow from the ledger"):
        Balance.objects.all().delete()


def test_an_entry_without_its_movement_is_refused(sell: Sell) -> None:
    with pytest.raises(DatabaseError, match="currency"):
        LedgerEntry.objects.create(
            transaction_id="00000000-0000-7000-8000-000000000000", account="tax", amount=1
        )


def test_a_payout_of_more_than_is_owed_is_refused_after_folding(teacher: User) -> None:
    let_time_pass()
    balances.fold_balances()
    with pytest.raises(IntegrityError, match="more than is owed"):
        pay(teacher, "57.01")
    pay(teacher, "57.00")
    assert balances.get_payable(instructor_id=teacher.id) == 0


def test_what_was_written_past_the_triggers_is_caught_up_with(teacher: User) -> None:
    before = sums()
    balances.fold_balances()
    with unguarded():
        run("DELETE FROM payments_balance")
        run("UPDATE payments_balancechange SET amount = amount + 7")
    assert not are_the_ledgers()
    for _ in range(2):
        with unguarded():
            run("SELECT payments_catch_balances_up()")
        assert sums() == before
        assert are_the_ledgers()


def test_a_balance_of_before_is_todays_less_what_moved_since(sell: Sell, teacher: User) -> None:
    moment = timezone.now()
    before = earnings.get_balance_before(user_id=teacher.id, moment=moment)
    assert before == Decimal("57.00")
    sell("40.00")
    for _ in range(2):
        assert earnings.get_balance_before(user_id=teacher.id, moment=moment) == before
        later = moment + dt.timedelta(days=1)
        assert earnings.get_balance_before(user_id=teacher.id, moment=later) == Decimal("85.00")
        assert earnings.get_balance_before(user_id=teacher.id, moment=moment.min.replace(
            year=2000, tzinfo=dt.UTC)) == 0  # fmt: skip
        balances.fold_balances()


def test_movements_are_not_counted(teacher: User, django_assert_num_queries) -> None:
    listed = earnings.list_entries(user_id=teacher.id)
    with django_assert_num_queries(1) as asked:
        assert earnings.count_entries(user_id=teacher.id) == 5
    assert "payments_ledgerentry" not in asked.captured_queries[0]["sql"]
    assert listed.count() == 5
    assert [row.transaction.kind for row in listed][:1] == ["payout"]


def test_another_currency_is_another_balance(sell: Sell, settings) -> None:
    payment: Payment = sell("40.00")
    settings.CURRENCY = "eur"
    row = earnings.get_earnings(user_id=teacher_of(payment).id, payouts_enabled=True)
    assert row["lifetime"] == 0
    assert not row["courses"]
