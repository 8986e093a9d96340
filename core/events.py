"""What an event is: a frozen dataclass of ids and facts of the moment, with a stable name."""

import dataclasses
import datetime as dt
import typing
import uuid
from decimal import Decimal

from core.ids import new_id

_DECODERS: dict[type, typing.Callable[[typing.Any], object]] = {
    uuid.UUID: uuid.UUID,
    Decimal: Decimal,
    dt.datetime: dt.datetime.fromisoformat,
}
_registry: dict[str, type["Event"]] = {}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened. Subclasses set `name` and declare fields of type str, int, bool,
    UUID, Decimal or datetime (or `X | None`). Payloads carry no secrets: staff can read them."""

    name: typing.ClassVar[str] = ""
    # Names this occurrence: what a handler makes of it can be made unique by it.
    id: uuid.UUID = dataclasses.field(default_factory=new_id)

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if not cls.name:
            raise TypeError(f"{cls.__name__} needs a name")
        _registry[cls.name] = cls

    def payload(self) -> dict[str, object]:
        """Return the fields but `id` as JSON-ready values."""
        names = [field.name for field in dataclasses.fields(self) if field.name != "id"]
        return {name: _encode(getattr(self, name)) for name in names}


def load(*, event_id: uuid.UUID, name: str, payload: dict[str, object]) -> Event:
    """Return the event stored under `name`. Raises KeyError for a name nobody declares."""
    cls = _registry[name]
    hints = typing.get_type_hints(cls)
    known = {field.name for field in dataclasses.fields(cls)} - {"id"}
    facts = {key: _decode(hints[key], value) for key, value in payload.items() if key in known}
    return cls(id=event_id, **typing.cast(typing.Any, facts))


def _encode(value: object) -> object:
    if isinstance(value, uuid.UUID | Decimal):
        return str(value)
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return value


def _decode(hint: typing.Any, value: object) -> object:
    if value is None:
        return None
    for candidate in typing.get_args(hint) or (hint,):
        if candidate in _DECODERS:
            return _DECODERS[candidate](value)
    return value
