"""Text to JSON, strictly: what can't be read is refused with its line and column."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import orjson

from courses.portability.faults import Fault, refuse, step_into

# Far beyond any course that was ever written; below what a request can afford to look at.
MAX_VALUES = 100_000
LONGEST_LIST = 200

_BOM = b"\xef\xbb\xbf"


class _Object(dict[str, Any]):
    """A JSON object that remembers which names it was given twice."""

    repeated: tuple[str, ...] = ()


def parse(content: bytes) -> Any:
    """Return the JSON value: decimals exact, objects as dicts.

    Raises CourseFileMalformed with line and column when it isn't JSON (RFC 8259, UTF-8), and
    CourseFileInvalid when it has more values, or longer lists, than a course may have.
    """
    text = content.removeprefix(_BOM)
    try:
        # Judged by orjson: it refuses NaN, lone surrogates, numbers out of range, bottomless nests.
        orjson.loads(text)
        data = json.loads(text, parse_float=Decimal, object_pairs_hook=_to_object)
    except orjson.JSONDecodeError as exc:
        where = f"line {exc.lineno}, column {exc.colno}"
        refuse([Fault("$", f"Not valid JSON: {exc.msg} at {where}.", malformed=True)])
    except (RecursionError, ValueError):
        refuse([Fault("$", "Not valid JSON: nested too deeply.", malformed=True)])
    if too_large := list(_find_excess(data)):
        refuse(too_large)
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


def _to_object(pairs: list[tuple[str, Any]]) -> _Object:
    found = _Object(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        again = [name for name, _ in pairs if name in seen or seen.add(name)]  # type: ignore[func-returns-value]
        found.repeated = tuple(dict.fromkeys(again))
    return found


def _find_excess(data: Any) -> Iterator[Fault]:
    """Yield lists that are too long, and the document when it holds too much altogether. Counted
    before anything is looked at more closely, and without building a path for each value."""
    pending, count = [data], 0
    while pending:
        value = pending.pop()
        count += 1
        if isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, list):
            pending += value
        if count > MAX_VALUES or len(pending) > MAX_VALUES:
            yield Fault("$", f"Has more than {MAX_VALUES} values.")
            return
    for path, value in walk(data):
        if isinstance(value, list) and len(value) > LONGEST_LIST:
            yield Fault(path, f"Must have at most {LONGEST_LIST} items, has {len(value)}.")
