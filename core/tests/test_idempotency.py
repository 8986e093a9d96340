"""The fingerprint of a request under its `Idempotency-Key`."""

import orjson
import pytest

from core.errors import Malformed
from core.idempotency import fingerprint


def mark(body: object) -> str:
    return fingerprint(method="POST", path="/orders/", body=body)


def test_the_order_of_keys_does_not_matter_and_everything_else_does() -> None:
    assert mark({"a": 1, "b": {"c": 2, "d": 3}}) == mark({"b": {"d": 3, "c": 2}, "a": 1})
    different = [{"a": 1}, {"a": "1"}, {"a": 1.0}, {"a": None}, {}, [], None, ["a", 1]]
    assert len({mark(body) for body in different}) == len(different)


@pytest.mark.parametrize("text", ["[" * 400 + "]" * 400, '{"a":' * 400 + "1" + "}" * 400])
def test_a_body_that_can_be_read_and_not_written_again_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        mark(orjson.loads(text))
