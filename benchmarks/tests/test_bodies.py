from typing import Any

import pytest

from benchmarks.bodies import find_difference, shape_of

_BODY: dict[str, Any] = {
    "count": 2,
    "results": [{"id": "a", "price": 5.0, "flag": True}, {"id": "b"}],
}


def test_numbers_are_compared_by_value_and_keys_in_any_order():
    other = {"results": [{"flag": True, "price": 5, "id": "a"}, {"id": "b"}], "count": 2.0}
    assert find_difference(_BODY, other) is None


@pytest.mark.parametrize(
    ("other", "where"),
    [
        ({"count": 3, "results": _BODY["results"]}, "count: 2 is not 3"),
        ({"count": 2}, "results: only in one of them"),
        ({**_BODY, "next": None}, "next: only in one of them"),
        ({"count": 2, "results": [{"id": "b"}]}, "results.: 2 entries, not 1"),
        ({"count": 2, "results": _BODY["results"][::-1]}, "results.0.id: 'a' is not 'b'"),
        (
            {"count": 2, "results": [{"id": "a", "price": 5, "flag": 1}, {"id": "b"}]},
            "results.0.flag: True is not 1",
        ),
        ({"count": "2", "results": _BODY["results"]}, "count: 2 is not '2'"),
        ([], "{'count': 2"),
    ],
)
def test_the_first_difference_is_named(other, where):
    difference = find_difference(_BODY, other)
    assert difference is not None
    assert difference.lstrip(": ").startswith(where)


def test_a_shape_has_names_and_nesting_but_no_values():
    one = {"count": 3, "results": [{"id": "a", "price": 5, "on": True, "thumbnail": None}]}
    other = {
        "count": 9,
        "results": [{"id": "z", "price": 1.5, "on": False, "thumbnail": "t"}, {"id": "y"}],
    }
    assert shape_of(one) == shape_of(other)
    assert shape_of(one) != shape_of({"count": 3, "results": [{"id": "a"}]})
    assert shape_of({"count": 3}) != shape_of({"count": [3]})
