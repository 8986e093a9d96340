"""How much memory a value takes."""

import sys
import tracemalloc
import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from core.sizes import measure


@dataclass(frozen=True, slots=True)
class Slotted:
    name: str
    ids: list[uuid.UUID]


class Plain:
    def __init__(self) -> None:
        self.text = "t" * 5_000


@pytest.mark.parametrize(
    "make",
    [
        lambda: b"x" * 100_000,
        lambda: ["y" * number for number in range(400)],
        lambda: {f"name {number}": (number + 0.5, f"v{number}") for number in range(1_000)},
        lambda: Slotted("n" * 2_000, [uuid.uuid4() for _ in range(500)]),
        lambda: [Plain() for _ in range(20)],
    ],
)  # fmt: skip
def test_it_is_about_what_the_interpreter_allocates(make):
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        value: Any = make()
        allocated = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert 0.8 * allocated <= measure(value) <= 1.6 * allocated


def test_classes_and_numbers_have_no_parts():
    assert measure(5) == sys.getsizeof(5)
    assert measure([Plain]) < 5_000
