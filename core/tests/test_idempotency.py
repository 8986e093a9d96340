"""`Idempotency-Key`: the fingerprint of a request, and who may answer it."""

import uuid
from datetime import timedelta
from typing import Any

import orjson
import pytest
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate

from core import idempotency
from core.errors import Malformed
from core.idempotency import Claim, IdempotencyInProgress, StoredAnswer, fingerprint
from core.idempotent_views import IdempotentPostMixin
from core.models import IdempotencyRecord
from tests.factories import UserFactory
from tests.parallel import meet, run_in_parallel

USER = uuid.uuid4()


def mark(body: object) -> str:
    return fingerprint(method="POST", path="/orders/", body=body)


def begin(user_id: uuid.UUID = USER, mark: str = "f") -> StoredAnswer | Claim:
    return idempotency.begin(user_id=user_id, key="k", fingerprint=mark)


def again_instead_of(dead: StoredAnswer) -> StoredAnswer | Claim:
    return idempotency.begin(user_id=USER, key="k", fingerprint="f", instead_of=dead)


def claim() -> Claim:
    claim = begin()
    assert isinstance(claim, Claim)
    return claim


def let_the_claim_lapse() -> None:
    created_at = IdempotencyRecord.objects.get().created_at
    IdempotencyRecord.objects.update(locked_until=created_at - timedelta(seconds=1))


def test_the_order_of_keys_does_not_matter_and_everything_else_does() -> None:
    assert mark({"a": 1, "b": {"c": 2, "d": 3}}) == mark({"b": {"d": 3, "c": 2}, "a": 1})
    different = [{"a": 1}, {"a": "1"}, {"a": 1.0}, {"a": None}, {}, [], None, ["a", 1]]
    assert len({mark(body) for body in different}) == len(different)


@pytest.mark.parametrize("text", ["[" * 400 + "]" * 400, '{"a":' * 400 + "1" + "}" * 400])
def test_a_body_that_can_be_read_and_not_written_again_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        mark(orjson.loads(text))


@pytest.mark.parametrize("key", ["", "x" * 256, "ä", "a\nb", "\x00"])
def test_unusable_keys_are_refused(key: str) -> None:
    with pytest.raises(idempotency.IdempotencyKeyInvalid):
        idempotency.begin(user_id=USER, key=key, fingerprint="f")


@pytest.mark.django_db
def test_a_finished_key_gives_the_stored_answer() -> None:
    idempotency.finish(claim(), status_code=201, body={"id": 1})
    assert begin() == StoredAnswer(status_code=201, body={"id": 1})
    with pytest.raises(idempotency.IdempotencyKeyReused):
        begin(mark="other")
    assert isinstance(begin(uuid.uuid4()), Claim)


@pytest.mark.django_db
def test_an_answer_that_no_longer_serves_is_replaced_by_one_request() -> None:
    idempotency.finish(claim(), status_code=201, body={"id": 1})
    dead = begin()
    assert isinstance(dead, StoredAnswer)
    later = again_instead_of(dead)
    assert isinstance(later, Claim)
    with pytest.raises(IdempotencyInProgress):
        again_instead_of(dead)
    with pytest.raises(IdempotencyInProgress):
        begin()
    idempotency.finish(later, status_code=200, body={"id": 2})
    # Who had seen the first answer, too, gets the one in its place.
    assert again_instead_of(dead) == StoredAnswer(status_code=200, body={"id": 2})
    assert IdempotencyRecord.objects.count() == 1


@pytest.mark.django_db
def test_one_that_is_killed_replacing_an_answer_holds_the_key_only_for_a_while() -> None:
    idempotency.finish(claim(), status_code=201, body={"id": 1})
    dead = begin()
    assert isinstance(dead, StoredAnswer)
    assert isinstance(again_instead_of(dead), Claim)
    let_the_claim_lapse()
    assert isinstance(begin(), Claim), "and the dead answer is gone"


@pytest.mark.django_db
def test_an_abandoned_key_is_free_and_a_held_one_is_not() -> None:
    first = claim()
    with pytest.raises(IdempotencyInProgress):
        begin()
    idempotency.abandon(first)
    assert isinstance(begin(), Claim)


@pytest.mark.django_db
def test_a_dead_process_holds_its_key_only_for_a_while() -> None:
    claim()
    let_the_claim_lapse()
    assert isinstance(begin(), Claim)


@pytest.mark.django_db
def test_one_that_took_too_long_leaves_its_successor_alone() -> None:
    slow = claim()
    let_the_claim_lapse()
    successor = claim()
    idempotency.abandon(slow)
    idempotency.finish(slow, status_code=409, body={"by": "slow"})
    with pytest.raises(IdempotencyInProgress):
        begin()
    idempotency.finish(successor, status_code=201, body={"by": "successor"})
    idempotency.finish(slow, status_code=409, body={"by": "slow"})
    idempotency.abandon(slow)
    assert begin() == StoredAnswer(status_code=201, body={"by": "successor"})


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_may_work() -> None:
    outcomes = run_in_parallel(8, lambda _: begin())
    assert sorted(type(outcome).__name__ for outcome in outcomes) == [
        "Claim",
        *["IdempotencyInProgress"] * 7,
    ]
    assert IdempotencyRecord.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_takes_over_from_a_dead_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each has seen that the claim has lapsed before any of them writes its own."""
    claim()
    let_the_claim_lapse()
    save = IdempotencyRecord.save

    def meet_and_save(record: IdempotencyRecord, **given: Any) -> None:
        meet()
        save(record, **given)

    monkeypatch.setattr(IdempotencyRecord, "save", meet_and_save)
    outcomes = run_in_parallel(8, lambda _: begin())
    assert sum(isinstance(outcome, Claim) for outcome in outcomes) == 1


@pytest.mark.django_db(transaction=True)
def test_a_key_that_is_given_up_all_the_time_is_claimed_or_held_and_nothing_else() -> None:
    def claim_and_give_up(_: int) -> set[str]:
        seen = set()
        for _ in range(150):
            try:
                begun = begin()
            except IdempotencyInProgress:
                seen.add("held")
            else:
                assert isinstance(begun, Claim)
                idempotency.abandon(begun)
                seen.add("claimed")
        return seen

    outcomes = run_in_parallel(6, claim_and_give_up)
    assert all(isinstance(outcome, set) for outcome in outcomes), outcomes


class Slow(IdempotentPostMixin):
    """Loses its claim to a successor while at work outside."""

    works_in_one_transaction = False
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    status_code = 201

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        let_the_claim_lapse()
        record = IdempotencyRecord.objects.get()
        idempotency.begin(user_id=record.user_id, key="k", fingerprint=record.fingerprint)
        return Response({}, status=self.status_code)


@pytest.mark.django_db
@pytest.mark.parametrize("status_code", [201, 503])
def test_a_view_that_took_too_long_leaves_its_successor_alone(status_code: int) -> None:
    request = APIRequestFactory().post("/slow/", {}, HTTP_IDEMPOTENCY_KEY="k")
    force_authenticate(request, UserFactory.create())
    assert Slow.as_view(status_code=status_code)(request).status_code == status_code
    assert IdempotencyRecord.objects.get().status_code is None


class Renaming(IdempotentPostMixin):
    """Changes the person who asks."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    status_code = 201

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user: Any = request.user
        user.first_name = "Changed"
        user.save(update_fields=["first_name"])
        return Response({}, status=self.status_code)


def rename(user: Any, status_code: int = 201) -> Response:
    request = APIRequestFactory().post("/rename/", {}, HTTP_IDEMPOTENCY_KEY="k")
    force_authenticate(request, user)
    view = Renaming.as_view(status_code=status_code)
    answer: Response = view(request)
    user.refresh_from_db()
    return answer


@pytest.mark.django_db(transaction=True)
def test_work_whose_answer_was_not_stored_was_not_done(monkeypatch: pytest.MonkeyPatch) -> None:
    user = UserFactory.create()

    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(idempotency, "finish", die)
        with pytest.raises(Killed):
            rename(user)
    user.refresh_from_db()
    assert user.first_name == "Ada"
    assert rename(user).status_code == 201
    assert user.first_name == "Changed"


@pytest.mark.django_db(transaction=True)
def test_who_lost_the_claim_meanwhile_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    user = UserFactory.create()
    monkeypatch.setattr(idempotency, "finish", lambda *_, **__: False)
    assert rename(user).status_code == 409
    assert user.first_name == "Ada"


@pytest.mark.django_db(transaction=True)
def test_a_failure_without_an_exception_leaves_nothing_behind() -> None:
    user = UserFactory.create()
    assert rename(user, status_code=503).status_code == 503
    assert (user.first_name, IdempotencyRecord.objects.count()) == ("Ada", 0)


class Opening(IdempotentPostMixin):
    """Answers with something that opens a door."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    secret_fields = ("key",)

    door = 1

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response({"key": "open-sesame", "door": self.door}, status=201)

    def refill(self, request: Request, body: dict[str, Any]) -> dict[str, Any] | None:
        if body["door"] != self.door:
            return None
        return {**body, "key": f"open-sesame to door {body['door']}"}


def open_door(user: Any, door: int = 1) -> Response:
    request = APIRequestFactory().post("/open/", {}, HTTP_IDEMPOTENCY_KEY="k")
    force_authenticate(request, user)
    answer: Response = Opening.as_view(door=door)(request)
    return answer


@pytest.mark.django_db
def test_what_opens_something_is_stored_in_no_answer() -> None:
    user = UserFactory.create()

    def ask() -> Response:
        return open_door(user)

    assert ask().data == {"key": "open-sesame", "door": 1}
    assert IdempotencyRecord.objects.get().body == {"key": None, "door": 1}
    again = ask()
    assert again.data == {"key": "open-sesame to door 1", "door": 1}
    assert (again.status_code, again["Idempotency-Replayed"]) == (201, "true")


@pytest.mark.django_db
def test_an_answer_that_leads_nowhere_any_more_is_not_given_again() -> None:
    user = UserFactory.create()
    open_door(user)
    again = open_door(user, door=2)
    assert again.data == {"key": "open-sesame", "door": 2}
    assert "Idempotency-Replayed" not in again
    assert open_door(user, door=2)["Idempotency-Replayed"] == "true"
    assert IdempotencyRecord.objects.get().body == {"key": None, "door": 2}
