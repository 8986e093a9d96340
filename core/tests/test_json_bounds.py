"""How much there is in a JSON text, before it is parsed."""

import json

import pytest

from core.json_bounds import has_more_values


def count(value):
    if isinstance(value, dict):
        return 1 + sum(map(count, value.values()))
    if isinstance(value, list):
        return 1 + sum(map(count, value))
    return 1


@pytest.mark.parametrize(
    "value",
    [
        "a, b, [c], {d}",
        [1, "a,b", {"x, [y": 'quo"te, \\', "z": [True, None, 1.5]}, "\\"],
        [["[[["] * 5] * 5,
        {"a": {"b": {"c": "}, {"}}},
        ["x" * 100_000 + ",,," * 1_000],
    ],
)
def test_values_are_counted_and_punctuation_in_texts_is_not(value):
    text = json.dumps(value).encode()
    assert not has_more_values(text, 2 * count(value))
    assert has_more_values(text, count(value) // 2)


@pytest.mark.parametrize("unit", [b"[],", b"{},", b'"",', b"1,", b'{"":[]},', b"["])
def test_a_flood_is_found_out_soon(unit):
    flood = b"[" + unit * (3_000_000 // len(unit))
    assert has_more_values(flood, 100_000)


def test_no_end_of_a_text_and_no_json():
    assert not has_more_values(b'"' + b"\\" * 1_000_000, 10)
    assert not has_more_values(b"\xff\x00" * 1_000_000, 10)
