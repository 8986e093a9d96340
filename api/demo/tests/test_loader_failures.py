"""A load that is cut short, or happens twice, leaves nothing by halves."""

import os
import secrets
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from api.demo import loader, pictures
from api.demo.loader import LoadedDemo, load_demo
from api.demo.sources import read_people, read_shelves
from core.models import JobRun
from courses.models import Category, Course
from orders.models import NumberSeries, Order
from payments.models import ReconciliationRun, StripeEvent
from tests.factories import CategoryFactory, UserFactory
from tests.factories.coupons import CouponFactory
from users.models import User


@pytest.fixture(autouse=True)
def _quick_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "draw_thumbnail", lambda brief: b"thumbnail")
    monkeypatch.setattr(pictures, "draw_avatar", lambda first_name, last_name: b"avatar")


class CutShort(Exception):
    """The moment somebody pulls the plug."""


@pytest.mark.django_db
def test_cut_short_it_leaves_nothing(monkeypatch: pytest.MonkeyPatch):
    def pull_the_plug(**_: object) -> None:
        assert Order.objects.exists()
        raise CutShort

    monkeypatch.setattr(loader, "fill_cart_and_wishlist", pull_the_plug)
    with pytest.raises(CutShort):
        load_demo(now=timezone.now())
    for model in (User, Category, Course, Order, NumberSeries):
        assert not model._default_manager.exists()


@pytest.mark.django_db
def test_cut_short_it_is_loaded_by_the_next_try(monkeypatch: pytest.MonkeyPatch):
    def pull_the_plug(**_: object) -> None:
        raise CutShort

    with monkeypatch.context() as patch:
        patch.setattr(loader, "fill_cart_and_wishlist", pull_the_plug)
        with pytest.raises(CutShort):
            load_demo(now=timezone.now())

    assert load_demo(now=timezone.now()) is not None
    assert load_demo(now=timezone.now()) is None


MAKERS = {
    "courses.Category": lambda: CategoryFactory.create(name="Design", slug="design"),
    "users.User": lambda: UserFactory.create(email="student@learnflow.test"),
    "users.UserProfile, users.User": lambda: UserFactory.create(is_staff=True),
    "orders.Coupon": CouponFactory.create,
    "orders.NumberSeries": lambda: NumberSeries.objects.create(name="INV-2026", last=1),
    "payments.StripeEvent": lambda: StripeEvent.objects.create(
        id="evt_1",
        type="charge.refunded",
        payload={},
        created_at_stripe=timezone.now(),
        next_attempt_at=timezone.now(),
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize("what", MAKERS)
def test_it_never_loads_beside_what_it_did_not_make(what: str):
    MAKERS[what]()
    before = (User.objects.count(), Category.objects.count())

    with pytest.raises(CommandError) as raised:
        call_command("load_demo")

    text = str(raised.value)
    assert "\n" not in text
    assert "data that the demo didn't make" in text
    assert any(label in text for label in what.split(", "))
    assert not Course.objects.exists()
    assert before == (User.objects.count(), Category.objects.count())


@pytest.mark.django_db
def test_what_an_empty_installation_writes_by_itself_is_nobodys():
    ReconciliationRun.objects.create(since=timezone.now())
    JobRun.objects.create(
        job="prune",
        due_at=timezone.now(),
        started_at=timezone.now(),
        next_attempt_at=timezone.now(),
    )
    assert load_demo(now=timezone.now()) is not None


@pytest.mark.django_db
def test_it_is_known_again_whatever_has_come_to_it():
    load_demo(now=timezone.now())
    CategoryFactory.create(name="Mine", slug="mine")
    UserFactory.create()
    User.objects.filter(email="staff@learnflow.test").update(email="me@example.test")

    assert load_demo(now=timezone.now()) is None


@pytest.mark.django_db
def test_settings_of_production_refuse_it_even_where_nothing_is(settings: Any):
    settings.INVENTED_DATA_ALLOWED = False

    with pytest.raises(CommandError, match="only with those for development"):
        call_command("load_demo")

    assert not User.objects.exists()


def test_refused_it_ends_with_one_line_and_a_status():
    secret = secrets.token_urlsafe(48)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "DJANGO_SETTINGS_MODULE": "learnflow.settings.production",
        "SECRET_KEY": secret,
        "JWT_SECRET": secret[::-1],
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "ALLOWED_HOSTS": "learnflow.test",
        "API_BASE_URL": "https://api.learnflow.test",
        "FRONTEND_URL": "https://learnflow.test",
    }
    # Nobody answers at that address, so nothing but a refusal before looking can end in one line.
    done = subprocess.run(
        [sys.executable, "manage.py", "load_demo"],
        env=environment,
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert done.stderr.startswith("CommandError: The demo is not loaded with these settings")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.django_db
def test_a_picture_cut_short_is_drawn_again():
    # As a kill leaves it: the first half beside, and, of earlier versions, an empty file.
    people, shelves = read_people(), read_shelves()
    first = shelves[0].courses[0].slug
    name = f"course_thumbnails/demo-{pictures.EDITION}/{first}.webp"
    default_storage.delete(name)
    for beside in ("old", "another"):
        default_storage.save(f"{name}.{beside}.new", ContentFile(b"thu"))
    os.utime(default_storage.path(f"{name}.old.new"), (0, 0))

    stored = pictures.provide_thumbnails(shelves=shelves, people=people)

    assert stored[first] == name
    assert Path(default_storage.path(name)).read_bytes() == b"thumbnail"
    assert not default_storage.exists(f"{name}.old.new")
    assert default_storage.exists(f"{name}.another.new"), "it may still be written"
    default_storage.delete(f"{name}.another.new")


def test_half_a_picture_never_has_its_name(monkeypatch: pytest.MonkeyPatch):
    people, shelves = read_people(), read_shelves()
    name = f"course_thumbnails/demo-{pictures.EDITION}/{shelves[0].courses[0].slug}.webp"
    default_storage.delete(name)

    def pull_the_plug(*_: object) -> None:
        raise CutShort

    with monkeypatch.context() as patch:
        patch.setattr(pictures.os, "fsync", pull_the_plug)
        with pytest.raises(CutShort):
            pictures.provide_thumbnails(shelves=shelves, people=people)

    assert not default_storage.exists(name)


@pytest.mark.timeout(1800)
@pytest.mark.django_db(transaction=True)
def test_two_loads_at_once_make_one():
    results: list[LoadedDemo | None] = []
    barrier = threading.Barrier(2)
    insist = loader.insist_on_nobodys_data
    shutil.rmtree(default_storage.path("course_thumbnails"), ignore_errors=True)

    def load() -> None:
        try:
            results.append(load_demo(now=timezone.now()))
        finally:
            connection.close()

    def look_together() -> None:
        insist()
        if not connection.in_atomic_block:
            # Both have seen an empty database before either begins to write.
            barrier.wait(timeout=1500)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader, "insist_on_nobodys_data", look_together)
        threads = [threading.Thread(target=load) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(results) == 2
    assert sum(result is not None for result in results) == 1
    assert Order.objects.filter(order_number__endswith="-00001").exists()
