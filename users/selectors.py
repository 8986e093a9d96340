"""Reads about people: plain rows, in a fixed number of queries."""

import datetime as dt
import functools
import unicodedata
import uuid
import zoneinfo
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import (
    BooleanField,
    Case,
    Count,
    F,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
    Window,
)
from django.db.models.expressions import RawSQL
from django.utils import timezone

from core.urls import media_url
from users.models import Session, User, UserProfile

_UTC = zoneinfo.ZoneInfo("UTC")
# As the index of migration 0002 has it.
_NAME = """' ' || users_fold("users_user"."first_name" || ' ' || "users_user"."last_name")"""


@dataclass(frozen=True, kw_only=True)
class LearningTotals:
    """What a person learned so far; the streak as it stands today."""

    total_hours_learned: Decimal
    courses_completed: int
    certificates_earned: int
    current_streak_days: int


@dataclass(frozen=True, kw_only=True)
class ProfileRow(LearningTotals):
    """A profile as its owner sees it. The picture is an absolute address or None."""

    bio: str
    profile_picture: str | None
    phone: str
    country: str
    timezone: str
    last_activity: dt.datetime | None


@dataclass(frozen=True, kw_only=True)
class AccountRow:
    """A person as they see themselves (plan 4.2 `me` and 4.9)."""

    id: uuid.UUID
    email: str
    first_name: str
    last_name: str
    is_instructor: bool
    email_verified: bool
    profile: ProfileRow


@dataclass(frozen=True, kw_only=True)
class InstructorRow:
    """An instructor in search results. `profile_picture` is a storage name, "" without one."""

    id: uuid.UUID
    first_name: str
    last_name: str
    bio: str
    profile_picture: str


def get_account(*, user_id: uuid.UUID) -> AccountRow:
    """Return the person with their profile, in one query. Raises UserProfile.DoesNotExist."""
    profile = UserProfile.objects.select_related("user").get(user_id=user_id)
    user = profile.user
    return AccountRow(
        id=user.id,
        email=user.email,
        first_name=user.first_name,
        last_name=user.last_name,
        is_instructor=user.is_instructor,
        email_verified=user.email_verified_at is not None,
        profile=ProfileRow(
            bio=profile.bio,
            profile_picture=media_url(profile.profile_picture.name),
            phone=profile.phone,
            country=profile.country,
            timezone=profile.timezone,
            last_activity=profile.last_activity,
            **_totals(profile),
        ),
    )


def find_user(*, user_id: uuid.UUID) -> User | None:
    """Return the person, or None when there is none (any more)."""
    return User.objects.filter(id=user_id).first()


def find_users(*, user_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, User]:
    """Return those of these people who are there, by id; by one query."""
    return User.objects.in_bulk(list(user_ids))


def list_staff_emails(*, permission: str) -> list[str]:
    """Return the addresses of the active members of staff who have this permission, such as
    `payments.view_refund`, themselves or by a group, in the order they joined."""
    app, codename = permission.split(".")
    held = Permission.objects.filter(content_type__app_label=app, codename=codename)
    is_allowed = (
        Q(is_superuser=True) | Q(user_permissions__in=held) | Q(groups__permissions__in=held)
    )
    allowed = User.objects.filter(is_allowed, is_staff=True, is_active=True)
    return list(allowed.distinct().order_by("id").values_list("email", flat=True))


def get_learning_totals(*, user_id: uuid.UUID) -> LearningTotals:
    """Return a person's totals, in one query. Raises UserProfile.DoesNotExist."""
    return LearningTotals(**_totals(UserProfile.objects.get(user_id=user_id)))


def list_sessions(
    *, user_id: uuid.UUID, current_id: uuid.UUID | None
) -> QuerySet[Any, dict[str, Any]]:
    """Return rows of a person's live sessions, the last used first; `is_current` marks one."""
    rows: QuerySet[Any, Any] = (
        Session.objects.filter(user_id=user_id, ended_at=None, expires_at__gt=timezone.now())
        .annotate(
            is_current=Case(
                When(id=current_id, then=Value(True)),
                default=Value(False),
                output_field=BooleanField(),
            )
        )
        .order_by("-last_used_at", "-id")
        .values("id", "device", "ip", "created_at", "last_used_at", "expires_at", "is_current")
    )
    return rows


def local_day(*, user_id: uuid.UUID, at: dt.datetime) -> dt.date:
    """Return the person's own calendar day at that moment; UTC's without a usable time zone."""
    name = UserProfile.objects.filter(user_id=user_id).values_list("timezone", flat=True).first()
    return at.astimezone(_zone(name or "")).date()


def current_streak(
    *, streak_days: int, streak_day: dt.date | None, timezone_name: str, at: dt.datetime
) -> int:
    """Return the streak as it stands at that moment: 0 once its last day is before yesterday on
    the person's own calendar."""
    if streak_day is None:
        return 0
    today = at.astimezone(_zone(timezone_name)).date()
    return streak_days if streak_day >= today - dt.timedelta(days=1) else 0


def is_time_zone(name: str) -> bool:
    """Return whether this is the name of an IANA time zone, such as "America/Los_Angeles"."""
    return name in _time_zones()


def hours(*, seconds: int) -> Decimal:
    """Return seconds as hours, to two places."""
    return round(Decimal(seconds) / 3600, 2)


def search_instructors(*, q: str, limit: int, offset: int) -> tuple[int, Sequence[InstructorRow]]:
    """Return how many active instructors have names that begin like the words of `q`, accents and
    case aside, and one page of them by name. One statement; two past the end, where no row tells
    the count."""
    words = fold(q).split()
    if not any(any(char.isalnum() for char in word) for word in words):
        return 0, []
    name = RawSQL(_NAME, [], output_field=TextField())  # noqa: S611 - a constant
    found = User.objects.filter(is_instructor=True, is_active=True).alias(name=name)
    for word in words:
        found = found.filter(name__contains=f" {word}")
    page: QuerySet[Any, Any] = found.order_by("name", "id").values(
        "id", "first_name", "last_name", bio=F("profile__bio"),
        profile_picture=F("profile__profile_picture"), total=Window(Count("id")),
    )  # fmt: skip
    rows = list(page[offset : offset + limit])
    totals = [row.pop("total") for row in rows]
    count = totals[0] if totals else found.count() if offset else 0
    return count, [InstructorRow(**row) for row in rows]


def fold(text: str) -> str:
    """Return the text without accents and in lower case, as names are compared."""
    letters = unicodedata.normalize("NFKD", text.replace("\0", " "))
    return "".join(char for char in letters if not unicodedata.combining(char)).lower()


def _totals(profile: UserProfile) -> dict[str, Any]:
    return {
        "total_hours_learned": hours(seconds=profile.total_seconds_learned),
        "courses_completed": profile.courses_completed,
        "certificates_earned": profile.certificates_earned,
        "current_streak_days": current_streak(
            streak_days=profile.current_streak_days,
            streak_day=profile.streak_day,
            timezone_name=profile.timezone,
            at=timezone.now(),
        ),
    }


@functools.cache
def _time_zones() -> frozenset[str]:
    """The names of all zones, read once: looking through the database takes many file accesses."""
    return frozenset(zoneinfo.available_timezones() - {"localtime", "Factory"})


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name) if name else _UTC
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return _UTC
