"""Headers of answers that are given without Django: learned from what Django answered.

What an answer's headers are depends on its kind and on where the request came to: on the view, on
whether somebody is signed in, on the host and the origin. All of that is one *envelope*, kept for a
minute and then learned anew.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from core.sizes import measure
from courses.cache import Memory

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

# What the headers of an answer depend on, beside what its door knows of its kind.
_ORIGIN = ("HTTP_HOST", "HTTP_ORIGIN", "HTTP_X_FORWARDED_PROTO", "wsgi.url_scheme")
# Headers that belong to one answer and not to all of its kind.
_OWN = {"ETag", "Last-Modified", "Content-Length", "X-Request-ID"}
_SECONDS = 60.0
# What an object of ours takes beside what it holds.
HOLDER_BYTES = 120


@dataclass(frozen=True, slots=True)
class Envelope:
    """The headers of every answer of a kind; `size` is what they and the kind take in memory, in
    bytes."""

    headers: Headers
    size: int


class Envelopes(Memory[Envelope]):
    """The envelopes that a door knows, bounded as every memory of a process. What `find` doesn't
    know, Django is to answer, by the `start_response` that `learn` returns."""

    @staticmethod
    def tell_kind(environ: Environ, *more: Hashable) -> Hashable:
        """Return the kind of the request's answer: where it came to, and what its door knows
        `more`."""
        return (*more, *map(environ.get, _ORIGIN))

    def learn(
        self,
        kind: Hashable,
        start_response: StartResponse,
        *,
        is_of_kind: Callable[[Headers], bool] = lambda headers: True,
    ) -> StartResponse:
        """Return a `start_response` for Django that keeps the headers of an answer of 200, if they
        are of this kind."""

        def start(status: str, headers: Headers, *rest: Any) -> Any:
            if status == "200 OK" and is_of_kind(headers):
                common = [item for item in headers if item[0] not in _OWN]
                size = HOLDER_BYTES + measure(kind) + measure(common)
                envelope = Envelope(headers=common, size=size)
                self.keep(kind, envelope, seconds=_SECONDS, size=size)
            return start_response(status, headers, *rest)

        return start
