"""The admin as a browser uses it: what a page's form holds is sent back with what was typed."""

from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

from django.test import Client

from core.admin.as_read import FIELD

# What says that somebody goes on from a page that asks.
_GOING_ON = {"confirmed", "post"}


class AdminBrowser(Client):
    """A client that opens a form before it posts it: what the form was made of goes along, and what
    a page that asks had shown."""

    def post(self, path: Any, data: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Post what was typed; to the page of a row with what its form, opened now, says of it, and
        with what the page showed that asks whether to go on."""
        data = data or {}
        if str(path).endswith("/change/"):
            data = {**find_what_was_read(self.get(path).content.decode()), **data}
        elif str(path).endswith("/delete/"):
            data = {**find_what_was_shown(self.get(path)), **data}
        elif "action" in data and data.keys() & _GOING_ON:
            chosen = {name: value for name, value in data.items() if name not in _GOING_ON}
            answer = super().post(path, chosen, *args, **kwargs)
            if not (shown := find_what_was_shown(answer)):
                # It didn't ask.
                return answer
            data = {**shown, **data}
        return super().post(path, data, *args, **kwargs)


def find_what_was_shown(answer: Any) -> dict[str, str]:
    """Return the hidden field that says what a page shows that asks whether to go on."""
    shown = read_form(answer.content.decode()).get("shown")
    return {"shown": shown} if isinstance(shown, str) else {}


def find_what_was_read(page: str) -> dict[str, str]:
    """Return the hidden fields that say what the page's forms were made of."""
    return {
        name: value
        for name, value in read_form(page).items()
        if isinstance(value, str) and name.endswith(FIELD)
    }


def read_form(page: str) -> dict[str, str | list[str]]:
    """Return what a browser would send of the page's fields when nothing is typed."""
    reader = _Reader()
    reader.feed(page)
    return {
        name: value
        for name, value in reader.fields.items()
        if "__prefix__" not in name and name != "csrfmiddlewaretoken"
    }


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str | list[str]] = {}
        self._select: tuple[str, bool] | None = None
        self._area: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told: Mapping[str, str | None] = dict(attrs)
        name = told.get("name") or ""
        if tag == "input" and name:
            self._take_input(name, told)
        elif tag == "select" and name:
            self._select = (name, "multiple" in told)
        elif tag == "option" and self._select is not None and "selected" in told:
            self._choose(told.get("value") or "")
        elif tag == "textarea" and name:
            self._area = name
            self.fields[name] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = None
        elif tag == "textarea":
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            # The first line's end is the markup's.
            self.fields[self._area] = str(self.fields[self._area]) + data.removeprefix("\n")

    def _take_input(self, name: str, told: Mapping[str, str | None]) -> None:
        kind = told.get("type", "text")
        is_on = kind not in ("checkbox", "radio") or "checked" in told
        if is_on and kind not in ("submit", "file"):
            self.fields[name] = told.get("value") or ""

    def _choose(self, value: str) -> None:
        assert self._select is not None
        name, is_multiple = self._select
        if is_multiple:
            chosen = self.fields.setdefault(name, [])
            assert isinstance(chosen, list)
            chosen.append(value)
        else:
            self.fields[name] = value
