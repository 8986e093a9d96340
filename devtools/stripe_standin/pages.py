"""The pages people see: a bank's 3-D Secure challenge, a receipt, the onboarding of an account."""

import json
from collections.abc import Callable
from html import escape
from urllib.parse import urlencode

from devtools.stripe_standin.currencies import written
from devtools.stripe_standin.errors import ApiError, JsonObject
from devtools.stripe_standin.resources import connect, paying
from devtools.stripe_standin.resources.payment_intents import public_view
from devtools.stripe_standin.scope import Scope
from devtools.stripe_standin.server import Request, Response
from devtools.stripe_standin.webhooks import Worker

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 28rem; margin: 15vh auto }}
button {{ font: inherit; padding: .6rem 1.2rem; margin-right: .5rem }}
small {{ color: #666 }}
</style></head><body><h1>{title}</h1>{body}
<p><small>Stand-in for Stripe. No money moves.</small></p></body></html>
"""


class Pages:
    """`/3ds/{intent}` (GET the page, POST `/complete` or `/fail`), `/receipts/{charge}` and
    `/onboarding/{token}` (GET the page, POST to finish)."""

    def __init__(self, scope: Callable[[], Scope], worker: Worker) -> None:
        self._scope = scope
        self._worker = worker

    def answer(self, request: Request) -> Response:
        """Answer a page; errors are JSON as the API's."""
        parts = request.path.strip("/").split("/")
        try:
            with self._scope().store.transaction():
                if parts[0] == "receipts":
                    return self._receipt(parts[1])
                if parts[0] == "onboarding":
                    return self._onboard(request, parts[1])
                intent = self._intent(request, parts[1])
                if request.method == "POST" and parts[2:] in (["complete"], ["fail"]):
                    return self._end(request, intent, passed=parts[2] == "complete")
                return self._challenge(intent)
        except ApiError as error:
            body = f"<p>{escape(str(error))}</p>"
            return _page("Not possible", body, status=error.status)
        finally:
            self._worker.wake()

    def _intent(self, request: Request, identifier: str) -> JsonObject:
        intent = self._scope().get("payment_intent", identifier, "intent")
        given = dict([*request.form, *request.arguments])
        if given.get("client_secret") != intent["client_secret"]:
            raise ApiError("The client_secret does not belong to this payment.")
        return intent

    def _challenge(self, intent: JsonObject) -> Response:
        if intent["status"] != "requires_action":
            return _page("3-D Secure", "<p>There is nothing to authenticate any more.</p>")
        amount = written(intent["amount"], intent["currency"])
        secret = f'<input type="hidden" name="client_secret" value="{intent["client_secret"]}">'
        buttons = "".join(
            f'<form method="post" action="/3ds/{intent["id"]}/{action}" style="display:inline">'
            f"{secret}<button>{label}</button></form>"
            for action, label in (("complete", "Complete"), ("fail", "Fail"))
        )
        return _page("3-D Secure", f"<p>Is this payment of {escape(amount)} yours?</p>{buttons}")

    def _end(self, request: Request, intent: JsonObject, *, passed: bool) -> Response:
        action = (intent["next_action"] or {}).get("redirect_to_url")
        scope = self._scope()
        intent = paying.authenticate(scope, intent, passed=passed)
        if request.headers.get("accept", "").startswith("application/json"):
            body = json.dumps(public_view(intent), indent=2)
            return Response(body, headers={"Content-Type": "application/json"})
        if action:
            return _redirect(_return_address(action["return_url"], intent))
        return _page("3-D Secure", "<p>Thank you. You can close this window.</p>")

    def _onboard(self, request: Request, token: str) -> Response:
        scope = self._scope()
        link = scope.store.traits(token)
        account = scope.get("account", link.get("account", ""))
        if request.method != "POST":
            button = '<form method="post"><button>Give all details</button></form>'
            return _page("Onboarding", f"<p>Account {escape(account['id'])}.</p>{button}")
        connect.onboard(scope, account)
        return _redirect(link["return_url"])

    def _receipt(self, identifier: str) -> Response:
        charge = self._scope().get("charge", identifier)
        amount = written(charge["amount"], charge["currency"])
        return _page("Receipt", f"<p>{escape(amount)} paid, charge {escape(charge['id'])}.</p>")


def _return_address(url: str, intent: JsonObject) -> str:
    paid = intent["status"] in {"succeeded", "requires_capture", "processing"}
    query = urlencode(
        {
            "payment_intent": intent["id"],
            "payment_intent_client_secret": intent["client_secret"],
            "redirect_status": "succeeded" if paid else "failed",
        }
    )
    return f"{url}{'&' if '?' in url else '?'}{query}"


def _page(title: str, body: str, *, status: int = 200) -> Response:
    headers = {"Content-Type": "text/html; charset=utf-8"}
    return Response(_PAGE.format(title=title, body=body), status, headers)


def _redirect(url: str) -> Response:
    return Response(status=303, headers={"Location": url})
