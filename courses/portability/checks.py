"""Whether JSON data is a course: the schema says what, this module says it in sentences."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_slug
from jsonschema import (  # type: ignore[import-untyped]
    Draft202012Validator,
    FormatChecker,
    validators,
)
from jsonschema import ValidationError as SchemaError

from core.ids import parse_id
from courses.models import RESERVED_SLUGS
from courses.portability.faults import MAX_FAULTS, Fault, step_into
from courses.portability.parsing import find_bad_strings
from courses.rules import find_charge_fault

SCHEMA_FILE = Path(__file__).with_name("learnflow-course-1.schema.json")

_formats = FormatChecker(formats=())
_is_url = URLValidator(schemes=["http", "https"])
_MEDIA_NAME = re.compile(r"media/[A-Za-z0-9_-]+\.[A-Za-z0-9]+")
_TYPES = {
    "string": "a text", "number": "a number", "integer": "a whole number", "array": "a list",
    "boolean": "true or false", "object": "an object", "null": "null",
}  # fmt: skip
_FORMATS = {
    "slug": "Must consist of letters, digits, hyphens and underscores, and be no id.",
    "uri": "Must be an http or https address.",
    "optional-uri": "Must be an http or https address, or empty.",
    "media-name": "Must name a file in the ZIP's folder media, as media/thumbnail.webp.",
}


def find_faults(
    data: Any, *, media: Collection[str], category_exists: bool, currency: str
) -> Iterator[Fault]:
    """Yield what keeps the data from being a course: at most a little more than MAX_FAULTS.

    `media` names the files beside it, `category_exists` says whether its category is known here,
    and `currency` is that of the prices here.
    """
    yield from islice(find_bad_strings(data), MAX_FAULTS)
    found = (fault for error in _validator().iter_errors(data) for fault in _explain(error))
    # One error for each missing name, all of which name all that are missing.
    yield from dict.fromkeys(islice(found, MAX_FAULTS + 1))
    if isinstance(data, dict):
        yield from _find_contradictions(data, media, category_exists, currency)


def _find_contradictions(
    data: Mapping[str, Any], media: Collection[str], category_exists: bool, currency: str
) -> Iterator[Fault]:
    """Yield what no schema can see. Runs beside the schema, so that all is named at once: values
    of a wrong type are left to it."""
    if not category_exists:
        yield Fault("$.category", "There is no category with this slug.")
    slug = data.get("slug")
    if isinstance(slug, str) and slug in RESERVED_SLUGS:
        yield Fault("$.slug", "Is a reserved word.")
    if isinstance(data.get("currency"), str) and data["currency"].lower() != currency:
        yield Fault("$.currency", f"Prices are in {currency} here.")
    price = data.get("price")
    if isinstance(price, int | Decimal) and (fault := find_charge_fault(price=price)):
        yield Fault("$.price", fault)
    if _is_below_price(data):
        yield Fault("$.original_price", "Must not be below the price.")
    yield from _find_stray_files(data.get("thumbnail"), media)
    limit = settings.COURSE_MAX_LESSONS
    if _count_lessons(data) > limit:
        yield Fault("$.curriculum", f"Must have at most {limit} lessons altogether.")


def _find_stray_files(thumbnail: object, media: Collection[str]) -> Iterator[Fault]:
    if isinstance(thumbnail, str) and thumbnail not in media:
        yield Fault("$.thumbnail", "No such file came with the course.")
    for name in media:
        if name != thumbnail:
            yield Fault(name, "Is not part of the course.")


def _is_below_price(data: Mapping[str, Any]) -> bool:
    price, original = data.get("price"), data.get("original_price")
    if not isinstance(original, int | Decimal):
        return False
    return original < (price if isinstance(price, int | Decimal) else 0)


def _count_lessons(data: Mapping[str, Any]) -> int:
    sections = data.get("curriculum")
    if not isinstance(sections, list):
        return 0
    lessons = [section.get("lessons") for section in sections if isinstance(section, dict)]
    return sum(len(found) for found in lessons if isinstance(found, list))


@cache
def _validator() -> Any:
    # Decimals, as `parsing` reads them: 0.01 and 99999999.99 mean themselves.
    schema = json.loads(SCHEMA_FILE.read_bytes(), parse_float=Decimal)
    strict = validators.extend(Draft202012Validator, {"multipleOf": _check_places})
    return strict(schema, format_checker=_formats)


def _check_places(
    validator: object, unit: Decimal, value: object, schema: object
) -> Iterator[SchemaError]:
    """The schema's `multipleOf`, a power of ten, without dividing: exact for any exponent."""
    if isinstance(value, Decimal) and _count_places(value) > _count_places(unit):
        yield SchemaError("too many places")


def _count_places(value: Decimal) -> int:
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        return 0
    trailing = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return max(0, -exponent - trailing)


@_formats.checks("slug", raises=ValidationError)
def _check_slug(value: object) -> bool:
    if isinstance(value, str):
        validate_slug(value)
        # An address that looks like an id is looked up as one.
        return parse_id(value) is None
    return True


@_formats.checks("uri", raises=ValidationError)
def _check_url(value: object) -> bool:
    if isinstance(value, str):
        _is_url(value)
    return True


@_formats.checks("optional-uri", raises=ValidationError)
def _check_optional_url(value: object) -> bool:
    return value == "" or _check_url(value)


@_formats.checks("media-name")
def _check_media_name(value: object) -> bool:
    return not isinstance(value, str) or _MEDIA_NAME.fullmatch(value) is not None


def _explain(error: SchemaError) -> Iterator[Fault]:
    path = "$"
    for key in error.absolute_path:
        path = step_into(path, key)
    rule, given = str(error.validator), error.validator_value
    if rule == "required":
        for name in given:
            if name not in error.instance:
                yield Fault(step_into(path, name), "Is required.", malformed=True)
    elif rule == "additionalProperties":
        known = error.schema["properties"]
        for name in error.instance:
            if name not in known:
                yield Fault(step_into(path, name), "Is not known.")
    elif rule == "type":
        kinds = [given] if isinstance(given, str) else given
        message = f"Must be {' or '.join(_TYPES[kind] for kind in kinds)}."
        yield Fault(path, message, malformed=True)
    else:
        yield Fault(path, _say(rule, given))


def _say(rule: str, given: Any) -> str:
    if rule == "format":
        return _FORMATS[given]
    if rule == "enum":
        return f"Must be one of {', '.join(given)}."
    return {
        "const": "Must be {}.",
        "maxLength": "Must have at most {} characters.",
        "minLength": "Must not be empty.",
        "pattern": "Must not be empty.",
        "maxItems": "Must have at most {} items.",
        "minimum": "Must be at least {}.",
        "maximum": "Must be at most {}.",
        "multipleOf": "Must have at most two decimal places.",
    }[rule].format(given)
