"""Text to JSON, strictly: what can't be read is refused with its line and column."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import orjson

from core.json_bounds import has_more_values
from courses.portability.faults import Fault, refuse, step_into

# Far beyond any course that was ever written; below what a request can afford to look at.
MAX_VALUES = 100_000
LONGEST_LIST = 200

_BOM = b"\xef\xbb\xbf"
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")
# What a float can be.
_LARGEST_EXPONENT = 308


class _Object(dict[str, Any]):
    """A JSON object that remembers which names it was given twice."""

    repeated: tuple[str, ...] = ()


def parse(content: bytes) -> Any:
    """Return the JSON value: decimals exact, objects as dicts. Parsed once, and only when there
    isn't more in it than a course may have.

    Raises CourseFileMalformed with line and column when it isn't JSON (RFC 8259, UTF-8), and
    CourseFileInvalid when it has more values, or longer lists, than a course may have.
    """
    text = content.removeprefix(_BOM)
    if has_more_values(text, MAX_VALUES):
        refuse([Fault("$", f"Has more than {MAX_VALUES} values.")])
    try:
        data = json.loads(
            text.decode(),
            parse_float=_to_decimal,
            parse_constant=_to_decimal,
            object_pairs_hook=_to_object,
        )
    except (RecursionError, ValueError):
        refuse([_find_syntax_fault(text)])
    # Of pairs texts are made; alone they are refused.
    if _ESCAPED_SURROGATE.search(text) and _has_surrogate(data):
        refuse([_find_syntax_fault(text)])
    if too_long := list(_find_long_lists(data)):
        refuse(too_long)
    return data


def find_bad_strings(data: Any) -> Iterator[Fault]:
    """Yield names that an object has twice, and texts with what no database can keep."""
    for path, value in walk(data):
        if isinstance(value, _Object):
            for name in value.repeated:
                yield Fault(step_into(path, name), "Is there more than once.", malformed=True)
        elif isinstance(value, str) and "\x00" in value:
            yield Fault(path, "Must not contain NUL characters.")


def walk(data: Any) -> Iterator[tuple[str, Any]]:
    """Yield every value with its JSON path, in the order of the document."""
    pending = [("$", data)]
    while pending:
        path, value = pending.pop()
        yield path, value
        if isinstance(value, dict):
            pending += [(step_into(path, key), item) for key, item in reversed(value.items())]
        elif isinstance(value, list):
            pending += [
                (step_into(path, index), value[index]) for index in range(len(value) - 1, -1, -1)
            ]


def _has_surrogate(data: Any) -> bool:
    return any(
        isinstance(text, str) and _SURROGATE.search(text)
        for _, value in walk(data)
        for text in (value if isinstance(value, dict) else (value,))
    )


def _to_object(pairs: list[tuple[str, Any]]) -> _Object:
    found = _Object(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        again = [name for name, _ in pairs if name in seen or seen.add(name)]  # type: ignore[func-returns-value]
        found.repeated = tuple(dict.fromkeys(again))
    return found


def _to_decimal(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite() or number.adjusted() > _LARGEST_EXPONENT:
        raise ValueError(text)
    return number


def _find_syntax_fault(text: bytes) -> Fault:
    """Say where the text stops being JSON: orjson, which is stricter, knows line and column."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        where = f"line {exc.lineno}, column {exc.colno}"
        return Fault("$", f"Not valid JSON: {exc.msg} at {where}.", malformed=True)
    return Fault("$", "Not valid JSON: nested too deeply, or a number too long.", malformed=True)


def _find_long_lists(data: Any) -> Iterator[Fault]:
    for path, value in walk(data):
        if isinstance(value, list) and len(value) > LONGEST_LIST:
            yield Fault(path, f"Must have at most {LONGEST_LIST} items, has {len(value)}.")
