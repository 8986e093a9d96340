"""Headers that say how an answer is to be treated."""

import pytest
from django.http import HttpRequest, HttpResponse

from core.middleware import DataHeadersMiddleware

_PAGE_POLICY = "default-src 'self'"


def answer(response: HttpResponse, *, method: str = "GET") -> HttpResponse:
    request = HttpRequest()
    request.method = method
    for name in DataHeadersMiddleware.OF_PAGES:
        response[name] = "as for a page"
    response["Content-Security-Policy"] = _PAGE_POLICY
    response["X-Content-Type-Options"] = "nosniff"
    response["Allow"] = "GET"
    return DataHeadersMiddleware(lambda _: response)(request)


@pytest.mark.parametrize(
    "response",
    [HttpResponse("{}", content_type="application/json"), HttpResponse(status=304)],
    ids=["json", "unchanged"],
)
def test_data_carries_nothing_that_is_for_pages(response: HttpResponse) -> None:
    if response.status_code == 304:
        del response["Content-Type"]
    headers = answer(response).headers
    assert not set(headers) & {*DataHeadersMiddleware.OF_PAGES, "Allow"}
    assert headers["Content-Security-Policy"] == DataHeadersMiddleware.POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_pages_keep_theirs() -> None:
    headers = answer(HttpResponse("<p>", content_type="text/html; charset=utf-8")).headers
    assert set(headers) > {*DataHeadersMiddleware.OF_PAGES, "Allow"}
    assert headers["Content-Security-Policy"] == _PAGE_POLICY


@pytest.mark.parametrize(("status", "method"), [(405, "POST"), (200, "OPTIONS")])
def test_whoever_needs_it_hears_what_is_allowed(status: int, method: str) -> None:
    response = HttpResponse("{}", content_type="application/json", status=status)
    assert answer(response, method=method)["Allow"] == "GET"
