"""What is loaded agrees with itself: every counter with the rows it counts."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import Avg, Count, F, Max, Min, Q, Sum
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from api.demo import pictures
from api.demo.loader import LoadedDemo, load_demo
from api.demo.rows.people import DEMO_PASSWORD
from cart.models import CartItem, WishlistItem
from core.constraints import check_constraints_now
from core.models import OutboxEvent
from courses import selectors as course_selectors
from courses import services as course_services
from courses.models import Category, Course, CourseStats, Curriculum
from enrollments.models import Certificate, Enrollment, LearningDay
from notifications.models import Email
from orders.models import Invoice, NumberSeries, Order, OrderItem
from orders.numbers import next_invoice_numbers, next_order_number
from payments.books.verifying import verify
from payments.ledger.at_stripe import sum_at_stripe
from payments.models import BalanceMovement, LedgerEntry, LedgerTransaction, Payment, Refund
from reviews.models import Review
from users.models import User, UserProfile

STUDENT, INSTRUCTOR, STAFF = (
    f"{name}@learnflow.test" for name in ("student", "instructor", "staff")
)

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def loaded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[LoadedDemo]:
    """The demo, loaded once for this module and rolled back after it; its pictures aren't drawn."""
    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock():
        patch.setattr(pictures, "draw_thumbnail", lambda brief: b"thumbnail")
        patch.setattr(pictures, "draw_avatar", lambda first_name, last_name: b"avatar")
        with transaction.atomic():
            result = load_demo(now=timezone.now())
            assert result is not None
            # Else every test has all of it checked anew when it ends.
            check_constraints_now()
            yield result
            transaction.set_rollback(True)
        connection.close()


def test_it_says_what_it_loaded(loaded: LoadedDemo):
    assert loaded.courses == Course.objects.count() >= 62
    assert loaded.people == User.objects.count() == UserProfile.objects.count()
    assert loaded.orders == Order.objects.count()
    assert loaded.reviews == Review.objects.count()
    assert loaded.enrollments == Enrollment.objects.count()


def test_loaded_again_it_keeps_what_is_there(capsys: pytest.CaptureFixture[str]):
    before = (User.objects.count(), Course.objects.count(), Order.objects.count())
    call_command("load_demo")
    assert "kept" in capsys.readouterr().out
    assert before == (User.objects.count(), Course.objects.count(), Order.objects.count())


def test_the_demo_logins_work_and_nobody_elses():
    users = {user.email: user for user in User.objects.all()}
    logins = {email for email, user in users.items() if user.has_usable_password()}
    assert logins == {STUDENT, INSTRUCTOR, STAFF}
    assert all(users[email].check_password(DEMO_PASSWORD) for email in logins)
    assert users[INSTRUCTOR].is_instructor
    assert users[STAFF].is_staff
    assert users[STAFF].is_superuser
    assert User.objects.filter(Q(is_staff=True) | Q(is_superuser=True)).count() == 1


def test_a_recount_finds_no_drift():
    assert list(course_services.recount_stats()) == []
    before = dict(Category.objects.values_list("slug", "course_count"))
    course_services.recount_categories()
    assert before == dict(Category.objects.values_list("slug", "course_count"))


def test_course_counters_are_those_of_the_rows():
    for stats in CourseStats.objects.select_related("course"):
        reviews = Review.objects.filter(course=stats.course)
        active = Enrollment.objects.filter(course=stats.course, status="active")
        assert stats.student_count == active.count()
        assert stats.rating_count == reviews.count()
        assert stats.review_count == reviews.exclude(comment="", title="").count()
        average = reviews.aggregate(average=Avg("rating"))["average"] or Decimal(0)
        assert float(stats.rating) == pytest.approx(float(average), abs=0.0051)
    for category in Category.objects.all():
        assert category.course_count == category.courses.filter(status="published").count() > 0


def test_curriculum_totals_are_those_of_the_lessons():
    sections = Curriculum.objects.annotate(
        lesson_count=Count("lessons"), minutes=Sum("lessons__duration_minutes")
    )
    assert not sections.exclude(
        total_lessons=F("lesson_count"), total_duration_minutes=F("minutes")
    )
    courses = Course.objects.annotate(minutes=Sum("curriculum__lessons__duration_minutes"))
    assert not courses.exclude(duration_minutes=F("minutes"))


def test_progress_is_that_of_the_lessons():
    done = Count("lesson_progress", filter=Q(lesson_progress__is_completed=True))
    for row in Enrollment.objects.annotate(done=done).select_related("course"):
        assert row.lessons_completed == row.done
        assert row.total_lessons >= 9
        assert row.progress_percent == row.done * 100 // row.total_lessons
        assert row.is_completed == (row.done == row.total_lessons)
    completed = Enrollment.objects.filter(is_completed=True)
    assert completed.count() == Certificate.objects.count() >= 20
    assert not completed.filter(certificate=None)


def test_profiles_count_what_their_people_did():
    for profile in UserProfile.objects.select_related("user"):
        mine = Enrollment.objects.filter(user=profile.user)
        seconds = mine.aggregate(sum=Sum("lesson_progress__credited_seconds"))["sum"] or 0
        last = LearningDay.objects.filter(user=profile.user).aggregate(last=Max("day"))["last"]
        assert profile.total_seconds_learned == seconds
        assert profile.courses_completed == mine.filter(is_completed=True).count()
        assert profile.certificates_earned == Certificate.objects.filter(user=profile.user).count()
        assert profile.streak_day == last
        assert (profile.current_streak_days > 0) == (last is not None)


def test_helpful_counts_are_those_of_the_votes():
    counted = Review.objects.annotate(found=Count("votes"))
    assert not counted.exclude(helpful_count=F("found"))
    assert counted.filter(found__gt=5).exists()


def test_order_amounts_add_up():
    lines = Order.objects.annotate(
        prices=Sum("items__price_at_purchase"),
        discounts=Sum("items__discount_amount"),
        returned=Sum("items__refunded_amount"),
    )
    assert not lines.exclude(
        subtotal=F("prices"), discount_amount=F("discounts"), refunded_amount=F("returned")
    )
    assert lines.filter(discount_amount__gt=0, redemption__isnull=False).exists()
    assert not lines.filter(Q(discount_amount__gt=0) ^ Q(redemption__isnull=False))


def test_paid_means_enrolled():
    paid = OrderItem.objects.filter(order__status="completed")
    assert not paid.exclude(enrollment__status="active", state="fulfilled")
    returned = OrderItem.objects.filter(order__status="refunded")
    assert not returned.exclude(enrollment__status="revoked", state="refunded")
    unpaid = OrderItem.objects.filter(order__status__in=["failed", "pending"])
    assert not unpaid.filter(enrollment__isnull=False)
    bought = Enrollment.objects.filter(source="purchase")
    assert bought.count() == paid.count() + returned.count()
    assert not Enrollment.objects.filter(source="free", course__price__gt=0)


def test_every_paid_order_has_its_payment_and_invoice():
    paid = Order.objects.filter(status__in=["completed", "refunded"])
    succeeded = Payment.objects.filter(status="succeeded")
    assert paid.count() == succeeded.count() == Invoice.objects.count()
    assert not succeeded.exclude(
        amount=F("order__total_amount"),
        stripe_payment_id=F("order__payment_id"),
        stripe_charge_id=F("order__transaction_id"),
    )
    assert not Payment.objects.filter(status="pending")
    refunds = Refund.objects.filter(status="succeeded", payment__order__status="refunded")
    assert refunds.count() == Order.objects.filter(status="refunded").count() > 0
    assert not refunds.exclude(amount=F("payment__order__refunded_amount"))


def test_the_books_hold_of_it():
    assert LedgerTransaction.objects.filter(kind="refund").exists()
    assert verify() == []


def test_what_came_was_paid_to_the_bank_so_that_nothing_of_it_lies_at_stripe():
    assert sum_at_stripe(currency="usd") == 0
    payouts = BalanceMovement.objects.all()
    assert len(payouts) > 6
    assert {payout.type for payout in payouts} == {"payout"}
    assert all(payout.net < 0 for payout in payouts)


def test_what_teachers_earned_is_booked_when_it_was_earned():
    sales = LedgerTransaction.objects.filter(kind="sale")
    assert not sales.exclude(occurred_at=F("payment__succeeded_at"))
    shares = LedgerEntry.objects.filter(account="instructor", transaction__kind="sale")
    assert not shares.exclude(instructor=F("order_item__course__instructor"))
    assert shares.filter(available_at__lt=timezone.now()).exists()


def test_numbers_follow_time_without_gaps_and_go_on():
    # Two may be of the same moment.
    orders = Order.objects.order_by("created_at", "order_number")
    in_order = [int(number[9:]) for number in orders.values_list("order_number", flat=True)]
    assert in_order == list(range(1, len(in_order) + 1))
    invoices = Invoice.objects.order_by("issued_at", "number").values_list("number", flat=True)
    for series in NumberSeries.objects.filter(name__startswith="INV"):
        of_year = [number for number in invoices if number.startswith(series.name)]
        expected = [f"{series.name}-{place:05d}" for place in range(1, series.last + 1)]
        assert of_year == expected
    now = timezone.now()
    assert int(next_order_number(at=now)[9:]) > len(in_order)
    assert not Invoice.objects.filter(number__in=next_invoice_numbers(times=[now]))


def test_everything_lies_in_the_past_and_not_all_in_one_moment():
    now = timezone.now()
    for model in (User, Course, Review, Order, Payment, Enrollment):
        span = model._default_manager.aggregate(first=Min("created_at"), last=Max("created_at"))
        assert span["last"] <= now
        assert span["last"] - span["first"] > dt.timedelta(days=300)
    assert Course.objects.filter(last_updated__lt=now - dt.timedelta(days=1)).exists()
    assert Review.objects.filter(created_at__gt=now - dt.timedelta(days=7)).exists()


def test_nobody_is_told_of_what_never_happened_today():
    assert not OutboxEvent.objects.exists()
    assert not Email.objects.exists()
    assert not Certificate.objects.filter(rendered_at=None)


def test_pictures_are_stored_where_rows_say():
    names = [*Course.objects.values_list("thumbnail", flat=True)]
    names += UserProfile.objects.values_list("profile_picture", flat=True)
    assert all(default_storage.exists(name) for name in names)
    assert len(set(names)) == len(names)


def test_search_knows_every_course():
    assert not Course.objects.filter(status="published", search_entry=None)


def test_something_is_popular_and_found():
    popular = course_selectors.list_popular(limit=10)
    assert len(popular) == 10
    for query, _ in popular:
        assert course_selectors.find_courses(text=query, limit=1).count, query


def test_the_student_has_something_on_every_page():
    student = User.objects.get(email=STUDENT)
    statuses = set(Order.objects.filter(user=student).values_list("status", flat=True))
    assert statuses == {"pending", "completed", "failed", "refunded"}
    mine = Enrollment.objects.filter(user=student, status="active")
    assert mine.filter(is_completed=True).count() >= 3
    assert mine.filter(is_completed=False, progress_percent__gt=0).count() >= 4
    assert mine.filter(progress_percent=0).exists()
    assert mine.filter(course__status="archived").exists()
    assert CartItem.objects.filter(cart__user=student).count() == 2
    assert WishlistItem.objects.filter(user=student).count() >= 4
    assert Review.objects.filter(user=student).count() >= 2
    profile = student.profile
    assert profile.current_streak_days >= 9
    assert profile.streak_day is not None


def test_the_instructor_has_students_and_courses_in_every_state():
    courses = Course.objects.filter(instructor__email=INSTRUCTOR)
    assert set(courses.values_list("status", flat=True)) == {"published", "draft", "archived"}
    assert courses.get(status="archived").order_items.filter(state="fulfilled").exists()
    assert courses.filter(stats__student_count__gt=20).exists()
