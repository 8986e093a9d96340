"""Whether servers answer the same, compared as parsed JSON (so 5 is 5.0, and key order is free)."""

from collections.abc import Sequence
from typing import Any

import httpx

from benchmarks.load import HOST
from benchmarks.streams import Request

_SECONDS = 60.0


class BodyError(Exception):
    """Two answers differ, or one is none; the text says where."""


def fetch_bodies(*, port: int, requests: Sequence[Request]) -> list[Any]:
    """Return the parsed answers. Raises BodyError for one that isn't 200 and JSON."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=_SECONDS) as client:
        return [_fetch(client, request) for request in requests]


def _fetch(client: httpx.Client, request: Request) -> Any:
    headers = {"Host": HOST, "X-Forwarded-Proto": "https"}
    if request.token:
        headers["Authorization"] = f"Bearer {request.token}"
    answer = client.get(request.path, headers=headers)
    if answer.status_code != 200:
        raise BodyError(f"{request.path}: {answer.status_code} {answer.text[:300]}")
    return answer.json()


def find_difference(one: Any, other: Any, path: str = "") -> str | None:
    """Return where two parsed bodies first differ, as `results.0.title: 'a' is not 'b'`."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in [*one, *(name for name in other if name not in one)]:
            if name not in one or name not in other:
                return f"{path}{name}: only in one of them"
            if found := find_difference(one[name], other[name], f"{path}{name}."):
                return found
        return None
    if isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return f"{path}: {len(one)} entries, not {len(other)}"
        pairs = enumerate(zip(one, other, strict=True))
        found_ones = (find_difference(a, b, f"{path}{place}.") for place, (a, b) in pairs)
        return next((found for found in found_ones if found), None)
    same = one == other and isinstance(one, bool) == isinstance(other, bool)
    return None if same else f"{path.rstrip('.')}: {one!r} is not {other!r}"


def shape_of(body: Any) -> Any:
    """Return the body's names and nesting without its values; of a list, its first entry's."""
    if isinstance(body, dict):
        return {name: shape_of(value) for name, value in body.items()}
    if isinstance(body, list):
        return [shape_of(value) for value in body[:1]]
    return None
