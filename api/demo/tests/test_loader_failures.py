"""A load that is cut short, or happens twice, leaves nothing by halves."""

import threading

import pytest
from django.db import connection
from django.utils import timezone

from api.demo import loader, pictures
from api.demo.loader import LoadedDemo, load_demo
from courses.models import Category, Course
from orders.models import NumberSeries, Order
from tests.factories import CategoryFactory, UserFactory
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
@pytest.mark.parametrize("make", ["a category", "a person with a demo address"])
def test_it_never_loads_beside_other_data(make: str):
    if make == "a category":
        CategoryFactory.create(name="Design", slug="design")
    else:
        UserFactory.create(email="student@learnflow.test")
    assert load_demo(now=timezone.now()) is None
    assert not Course.objects.exists()
    assert User.objects.count() <= 1


@pytest.mark.django_db
def test_an_administrator_may_be_there_first():
    UserFactory.create(email="admin@example.test", is_staff=True)
    assert load_demo(now=timezone.now()) is not None


@pytest.mark.django_db(transaction=True)
def test_two_loads_at_once_make_one():
    results: list[LoadedDemo | None] = []
    barrier = threading.Barrier(2)
    empty = loader._is_empty

    def load() -> None:
        try:
            results.append(load_demo(now=timezone.now()))
        finally:
            connection.close()

    def look_together(people: loader.PeopleSource) -> bool:
        answer = empty(people)
        if not connection.in_atomic_block:
            # Both have seen an empty database before either begins to write.
            barrier.wait(timeout=30)
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader, "_is_empty", look_together)
        threads = [threading.Thread(target=load) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
    assert len(results) == 2
    assert sum(result is not None for result in results) == 1
    assert Order.objects.filter(order_number__endswith="-00001").exists()
