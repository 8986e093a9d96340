"""How much memory a value takes, for what is kept within bounds."""

import sys
from collections.abc import Mapping
from enum import Enum
from typing import Any

# Most of what is measured is one of these, known without asking what it inherits from.
_PLAIN: frozenset[type] = frozenset({str, bytes, int, float, bool, type(None)})
_ROWS: frozenset[type] = frozenset({list, tuple})
# Without parts, or, as classes and members of an enumeration, there anyway.
_LEAVES = (str, bytes, int, float, type(None), type, Enum)


def measure(value: Any) -> int:
    """Return the bytes that a value takes with all that it holds: texts, numbers, collections and
    objects with slots or attributes. What is held twice counts twice, so it is never too little.
    """
    total = 0
    pending = [value]
    while pending:
        item = pending.pop()
        total += sys.getsizeof(item)
        kind = type(item)
        if kind in _ROWS:
            pending += item
        elif kind not in _PLAIN and not isinstance(item, _LEAVES):
            pending += _parts(item)
    return total


def _parts(item: Any) -> list[Any]:
    if isinstance(item, Mapping):
        return [*item.keys(), *item.values()]
    if isinstance(item, list | tuple | set | frozenset):
        return list(item)
    held: list[Any] = [vars(item)] if hasattr(item, "__dict__") else []
    for kind in type(item).__mro__:
        names = kind.__dict__.get("__slots__", ())
        for name in (names,) if isinstance(names, str) else names:
            if name not in {"__weakref__", "__dict__"} and hasattr(item, name):
                held.append(getattr(item, name))
    return held
