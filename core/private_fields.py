"""Which names stand for somebody's data or for a secret: of our columns and fields, and of others'.

For what leaves the house without anybody having looked at it, such as error reports. Too many is
better than too few.
"""

import re
from functools import cache

from django.apps import apps
from django.db import models

# Within a name, as words of it.
_WORDS = (
    "password|passwd|secret|token|jti|key|credential|auth|authorization|cookie|session|csrf|otp|"
    "signature|email|mail|phone|address|street|city|state|zip|postal|postcode|country|name|username|"
    "bio|birth|iban|card|cvc|account|tax|vat|ip|agent|device|"
    "body|payload|evidence|content|text|html|note|notes|comment|message|reason|answer|question|"
    "query|search|picture|avatar|recipient|sender|to|args|kwargs|sub"
)
_PRIVATE = re.compile(rf"(?:^|[_\-.\s])(?:{_WORDS})(?:s|es)?(?:$|[_\-.\s\d])", flags=re.IGNORECASE)
# Types of columns that hold what somebody wrote, or what others told us of somebody.
_KINDS = (
    models.EmailField,
    models.GenericIPAddressField,
    models.JSONField,
    models.TextField,
    models.FileField,
)
# Said by an error report itself, and nobody's.
_OURS = frozenset({
    "server_name", "filename", "abs_path", "lineno", "module", "function", "type", "value",
    "mechanism", "logger", "level", "platform", "environment", "release", "transaction",
    "event_id", "timestamp", "transaction_info", "_meta", "context_line", "pre_context",
    "post_context", "in_app", "handled", "category", "name", "version", "task_name", "message",
    "request_id", "thread_name", "formatted", "build", "raw_description", "status", "trace_id",
    "span_id", "parent_span_id", "op", "description", "origin", "url", "method", "state",
})  # fmt: skip


def is_private(name: str) -> bool:
    """Return whether a field of this name may hold somebody's data or a secret."""
    if name in _OURS:
        return False
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return _PRIVATE.search(spaced) is not None or name.lower() in _columns()


@cache
def _columns() -> frozenset[str]:
    """The names of our columns that hold what people wrote, by their types."""
    if not apps.models_ready:
        return frozenset()
    return frozenset(
        field.name
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, _KINDS) and field.name not in _OURS
    )
