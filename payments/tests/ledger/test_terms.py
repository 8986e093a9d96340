"""What shares and the hold were is written down, and sales are held to it."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from payments import books
from payments.models import LedgerEntry, RevenueShare, SaleLine, Term
from payments.models.touched import BookMark
from payments.services import book_missing
from payments.services.terms import remember_terms
from payments.tests.ledger.conftest import Sell
from tests.emptying import unguarded
from tests.factories import make_course

pytestmark = pytest.mark.django_db


JUDGES = ("sale_is_what_was_agreed", "sale_follows_its_terms")


def broken() -> list[str]:
    rules = [one for one in books.INVARIANTS if one.name in JUDGES]
    return [one.invariant for one in books.verify(invariants=tuple(rules))]


def test_a_courses_share_is_remembered_when_it_changes() -> None:
    course = make_course()
    share = RevenueShare.objects.create(course=course, percent=80)
    share.percent = 90
    share.save()
    share.delete()
    terms = Term.objects.filter(course_id=course.id).order_by("id")
    assert list(terms.values_list("percent", flat=True)) == [80, 90, None]


def test_what_the_settings_say_is_remembered_when_it_changes(settings) -> None:
    assert remember_terms()
    assert not remember_terms()
    settings.INSTRUCTOR_SHARE_PERCENT = 50
    book_missing()
    rows = Term.objects.order_by("id").values_list("percent", "hold")
    assert list(rows) == [(70, settings.EARNINGS_HOLD), (50, settings.EARNINGS_HOLD)]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE payments_term SET percent = 99",
        "DELETE FROM payments_term",
        "TRUNCATE payments_term",
        "INSERT INTO payments_term (course_id, percent, changed_at)"
        " VALUES (gen_random_uuid(), 99, now())",
    ],
)
def test_terms_stay(change: str) -> None:
    remember_terms()
    with (
        pytest.raises(DatabaseError, match="remembered as they were"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)


def test_the_database_dates_them() -> None:
    long_ago = timezone.now() - dt.timedelta(days=99)
    Term.objects.create(percent=99, hold=dt.timedelta(0), changed_at=long_ago)
    assert Term.objects.get().changed_at > timezone.now() - dt.timedelta(days=1)


def remember_since(**ago: int) -> None:
    """Terms that are known for so long."""
    remember_terms()
    with unguarded(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE payments_term SET changed_at = now() - make_interval(secs => %s)",
            [dt.timedelta(**ago).total_seconds()],
        )


def test_a_sale_follows_its_own_courses_share(sell: Sell, settings) -> None:
    remember_since(hours=25)
    payment = sell("40.00")
    assert broken() == []
    RevenueShare.objects.create(course=payment.order.items.get().course, percent=80)
    sell("40.00")
    assert broken() == []
    settings.INSTRUCTOR_SHARE_PERCENT = 65
    sell("1.00", "40.00")
    assert broken() == ["sale_follows_its_terms"], "of this share nobody wrote"
    remember_terms()
    assert broken() == []


def test_what_was_sold_before_terms_were_known_is_not_held_to_them(sell: Sell, settings) -> None:
    sell("40.00")
    settings.INSTRUCTOR_SHARE_PERCENT = 50
    remember_terms()
    assert broken() == []


def test_nor_is_what_another_process_sells_just_after(sell: Sell, settings) -> None:
    """One of the version before, by the settings of before: they were written down by nobody."""
    remember_since(hours=1)
    settings.INSTRUCTOR_SHARE_PERCENT = 50
    sell("40.00")
    assert broken() == []


def forget_the_percentage(share: str) -> None:
    """Let the one sale's share be that, in all copies alike, and its percentage unknown."""
    connection.check_constraints()
    with unguarded():
        SaleLine.objects.update(
            percent=None, instructor_amount=share, platform_amount=40 - Decimal(share)
        )
        LedgerEntry.objects.filter(account="instructor").update(amount=-Decimal(share))
        LedgerEntry.objects.filter(account="platform").update(amount=Decimal(share) - 40)


def hold_to_percentages_from(**later: int) -> None:
    with unguarded():
        BookMark.objects.filter(name="since:sale_percent").update(
            until=timezone.now() + dt.timedelta(**later)
        )


def test_what_says_no_percentage_is_named(sell: Sell) -> None:
    sell("40.00")
    forget_the_percentage("28.00")
    assert broken() == ["sale_is_what_was_agreed"]


def test_what_said_none_before_is_held_to_what_the_terms_come_to(sell: Sell) -> None:
    remember_since(hours=25)
    sell("40.00")
    hold_to_percentages_from(minutes=1)
    forget_the_percentage("28.00")
    assert broken() == []
    forget_the_percentage("28.01")
    assert broken() == ["sale_follows_its_terms"]


def test_what_said_none_before_terms_were_known_is_held_to_nothing(sell: Sell) -> None:
    sell("40.00")
    hold_to_percentages_from(minutes=1)
    forget_the_percentage("30.00")
    remember_terms()
    assert broken() == []
