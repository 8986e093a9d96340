"""JSON in: what RFC 8259 allows and PostgreSQL can store, everything else is 400."""

from collections.abc import Mapping
from typing import IO, Any

import orjson
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from core.json_bounds import has_more_values

# Far more than any request has; course files have a parser of their own.
MAX_VALUES = 20_000


class StrictJSONParser(BaseParser):
    """Parses with orjson, which refuses lone surrogates, invalid UTF-8, NaN, numbers out of range
    and nesting deeper than 1024. NUL characters are refused here: PostgreSQL can't store them. A
    body beyond `DATA_UPLOAD_MAX_MEMORY_SIZE` is not read to its end (413), and of one with more
    than `MAX_VALUES` values nothing is made (413): as objects they would take fifty times as much.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(limit + 1)
        if len(raw) > limit or has_more_values(raw, MAX_VALUES):
            raise RequestDataTooBig
        try:
            data = orjson.loads(raw)
        except (orjson.JSONDecodeError, RecursionError) as exc:
            raise ParseError("The body is not valid JSON") from exc
        if b"\\u0000" in raw and _has_nul(data):
            raise ParseError("The body contains a NUL character")
        return data


def _has_nul(data: Any) -> bool:
    pending = [data]
    while pending:
        item = pending.pop()
        if isinstance(item, str) and "\x00" in item:
            return True
        if isinstance(item, dict):
            pending.extend(item.keys())
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
    return False
