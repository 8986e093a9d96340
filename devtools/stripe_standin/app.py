"""The application: key, parameters, idempotency, the operation itself, the answer."""

import base64
import hmac
import logging
from dataclasses import dataclass
from functools import cache

import orjson

from devtools.stripe_standin import errors
from devtools.stripe_standin.config import API_VERSION
from devtools.stripe_standin.controls import ControlPanel
from devtools.stripe_standin.errors import ApiError, JsonObject
from devtools.stripe_standin.expand import check_paths, expand
from devtools.stripe_standin.faults import Controls
from devtools.stripe_standin.idempotency import Idempotency, StoredAnswer
from devtools.stripe_standin.ids import new_id
from devtools.stripe_standin.pages import Pages
from devtools.stripe_standin.params import Params, decode, validate
from devtools.stripe_standin.resources.payment_intents import public_view
from devtools.stripe_standin.routes import Operation, operation_paths
from devtools.stripe_standin.scope import Scope
from devtools.stripe_standin.server import Request, Response
from devtools.stripe_standin.spec import Node, parameter_table
from devtools.stripe_standin.store import Store
from devtools.stripe_standin.webhooks import Worker

logger = logging.getLogger(__name__)

# What Stripe.js sends along and the description leaves out.
_STRIPE_JS = (
    "client_secret key use_stripe_sdk payment_user_agent referrer guid muid sid time_on_page "
    "_stripe_version client_attribution_metadata expected_payment_method_type"
)
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, POST, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Expose-Headers": "Request-Id, Stripe-Version, Idempotent-Replayed",
    "Access-Control-Max-Age": "300",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One API request, understood as far as its headers and form go."""

    operation: Operation
    target: str
    request_id: str
    key: str | None
    publishable: bool
    raw: Params
    account: str | None = None

    @property
    def endpoint(self) -> str:
        """Method and path, which an idempotency key is bound to."""
        return f"{self.operation.verb.upper()} {self.operation.path}:{self.target}"


class StandInApp:
    """Stripe's API under `/v1/`, the controls under `/_control/`, and the pages a payer sees."""

    def __init__(self, store: Store, controls: Controls, worker: Worker) -> None:
        self._store = store
        self._controls = controls
        self._worker = worker
        self._idempotency = Idempotency(store)
        self._paths = operation_paths()
        self._panel = ControlPanel(self._scope, controls, worker)
        self._pages = Pages(self._scope, worker)

    async def answer(self, request: Request) -> Response:
        """Answer one request. Raises ConnectionAbortedError when a control wants no answer."""
        path = request.path
        if path.startswith("/_control/"):
            return await self._panel.answer(request)
        if path.startswith(("/3ds/", "/receipts/", "/onboarding/")):
            response = self._pages.answer(request)
        elif request.method == "OPTIONS":
            response = Response(status=204)
        else:
            response = await self._answer(request)
        response.headers.update(_CORS)
        return response

    def _scope(self) -> Scope:
        return Scope(self._store, self._controls.config, mode=self._controls.mode)

    async def _answer(self, request: Request) -> Response:
        request_id = new_id("req")
        try:
            call = self._understand(request, request_id)
        except ApiError as error:
            return _respond(request_id, error.status, _dump(error.body))
        name = call.operation.name
        replayed = False
        try:
            answer = await self._perform(call)
            replayed = answer.request_id != request_id
        except ApiError as error:
            answer = StoredAnswer(error.status, _dump(error.body), request_id)
        except ConnectionAbortedError:
            raise  # It hung when all was forgotten: there is nobody to answer.
        except Exception:
            # A fault of the stand-in itself: to be seen, and answered as Stripe answers its own.
            logger.exception("%s failed", name)
            answer = StoredAnswer(500, _dump(errors.internal_error(500).body), request_id)
        self._controls.note(
            name,
            status=answer.status,
            replayed=replayed,
            key=call.key,
            version=request.headers.get("stripe-version"),
        )
        if request.method != "GET":  # Nothing is due by a question.
            self._worker.wake()
        if self._controls.take("drop", name):
            raise ConnectionAbortedError("answer dropped by a test control")
        response = _respond(request_id, answer.status, answer.body)
        response.headers["Stripe-Version"] = request.headers.get("stripe-version", API_VERSION)
        if call.key is not None:
            response.headers["Idempotency-Key"] = call.key
        if replayed:
            response.headers["Idempotent-Replayed"] = "true"
            response.headers["Original-Request"] = answer.request_id
            if answer.status >= 500:
                response.headers["Stripe-Should-Retry"] = "false"  # it would be the same again
        return response

    def _understand(self, request: Request, request_id: str) -> Call:
        form = request.form
        raw = decode([*request.arguments, *form])
        key = _api_key(request, raw)
        publishable = self._is_publishable(key)
        operation, target = self._match(request)
        if publishable and not operation.public:
            raise errors.secret_key_required()
        if request.method == "POST" and request.body and not form:
            raise ApiError(
                "Invalid request (check that your POST content type is "
                "application/x-www-form-urlencoded). If you have questions, we can help at "
                "https://support.stripe.com/."
            )
        idempotency_key = request.headers.get("idempotency-key")
        return Call(
            operation,
            target,
            request_id,
            idempotency_key if request.method == "POST" else None,
            publishable,
            raw,
            request.headers.get("stripe-account"),
        )

    def _is_publishable(self, key: str) -> bool:
        for known, publishable in (
            (self._controls.config.secret_key, False),
            (self._controls.config.publishable_key, True),
        ):
            if hmac.compare_digest(known.encode(), key.encode()):
                return publishable
        raise errors.invalid_key(key)

    def _match(self, request: Request) -> tuple[Operation, str]:
        found = self._paths.find(request.method, request.path)
        if found is None:
            raise errors.unknown_url(request.method, request.path)
        return found

    async def _perform(self, call: Call) -> StoredAnswer:
        refusal = self._controls.take("refuse", call.operation.name)
        if refusal is not None:
            raise refusal.error()
        with self._idempotency.claim(call.key):
            await self._controls.wait_if_hanging(call.operation.name)
            with self._store.transaction():
                if call.key is not None:
                    known = self._idempotency.recall(call.key, call.endpoint, call.raw)
                    if known is not None:
                        return known
                answer = self._execute(call)
                self._controls.crash_if_asked(call.operation.name)
                if call.key is not None:
                    self._idempotency.remember(call.key, call.endpoint, call.raw, answer)
                return answer

    def _execute(self, call: Call) -> StoredAnswer:
        """The answer that the call's idempotency key keeps.

        Raises `ApiError` for a request that is refused before its work begins.
        """
        params = validate(_node(call.operation.spec_key, call.publishable), call.raw)
        paths = check_paths(
            params.get("expand", []), call.operation.kind, is_list=call.operation.is_list
        )
        scope = Scope(
            self._store,
            self._controls.config,
            mode=self._controls.mode,
            request_id=call.request_id,
            idempotency_key=call.key,
            publishable=call.publishable,
            account=call.account,
        )
        try:
            fault = self._controls.take("fail", call.operation.name)
            if fault is not None:
                raise fault.error()
            with self._store.savepoint(keep=ApiError):
                body = call.operation.handler(scope, call.target, params)
            status = 200
            if call.operation.is_list:
                paths = [["data", *path] for path in paths]
            body = expand(scope, body, paths)
        except ApiError as error:
            status, body = error.status, error.body
        body = _as_seen(body, call.publishable)
        return StoredAnswer(status, _dump(body), call.request_id)


@cache
def _node(spec_key: str, publishable: bool) -> Node:
    node = parameter_table()[spec_key]
    if not publishable:
        return node
    extra = {name: {"t": "free"} for name in _STRIPE_JS.split() if name not in node["p"]}
    return {**node, "p": {**extra, **node["p"]}}


def _as_seen(body: JsonObject, publishable: bool) -> JsonObject:
    if not publishable:
        return body
    if body.get("object") == "payment_intent":
        return public_view(body)
    intent = body.get("error", {}).get("payment_intent")
    if intent is not None:
        return {"error": {**body["error"], "payment_intent": public_view(intent)}}
    return body


def _api_key(request: Request, raw: Params) -> str:
    header = request.headers.get("authorization", "")
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or _refuse_missing()
    if scheme.lower() == "basic":
        try:
            decoded = base64.b64decode(value).decode()
        except ValueError:
            return _refuse_missing()
        return decoded.partition(":")[0] or _refuse_missing()
    # Stripe.js sends the publishable key as a parameter.
    key = raw.get("key")
    return key if isinstance(key, str) and key.startswith("pk_") else _refuse_missing()


def _refuse_missing() -> str:
    raise errors.missing_key()


def _dump(body: JsonObject) -> str:
    return orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()


def _respond(request_id: str, status: int, body: str) -> Response:
    headers = {
        "Content-Type": "application/json",
        "Request-Id": request_id,
        "Stripe-Version": API_VERSION,
    }
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="Stripe"'
    return Response(body, status, headers)
