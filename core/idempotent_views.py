"""The view side of `Idempotency-Key`."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import idempotency
from core.idempotency import Claim, IdempotencyInProgress, StoredAnswer


class IdempotentPostMixin(APIView):
    """A POST that honours `Idempotency-Key`: subclasses write `create` instead of `post`.

    An answer below 500 is stored, but for its `secret_fields`, and given again for the same key,
    person and body, with the header `Idempotency-Replayed: true`, as long as it serves (`refill`);
    one that doesn't is replaced by the answer to the work done anew. A refusal by an exception or a
    5xx frees the key. The work and its stored answer are committed together: a process killed in
    between leaves neither, and one that lost its claim to a successor does nothing and raises
    IdempotencyInProgress.
    """

    # False where the work asks somebody else over the network, which no transaction may wait for.
    # Such work has to find by itself what was done already.
    works_in_one_transaction = True
    # Fields of the answer that open something: they are stored nowhere.
    secret_fields: tuple[str, ...] = ()

    def refill(self, request: Request, body: dict[str, Any]) -> dict[str, Any] | None:
        """Return the stored answer with its `secret_fields`, which are None in it, and with what
        has changed since; None when what it tells of is no longer there to be gone on with."""
        raise NotImplementedError

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Do the work of the POST."""
        raise NotImplementedError

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return self.create(request, *args, **kwargs)
        user_id: Any = request.user.pk
        mark = idempotency.fingerprint(method="POST", path=request.path, body=request.data)
        outdated: StoredAnswer | None = None
        # Another turn only where somebody stored another answer meanwhile, which is theirs to give.
        while True:
            begun = idempotency.begin(
                user_id=user_id, key=key, fingerprint=mark, instead_of=outdated
            )
            if isinstance(begun, Claim):
                return self._create_and_store(request, begun, *args, **kwargs)
            body = begun.body
            if any(name in body for name in self.secret_fields):
                body = self.refill(request, body)
            if body is not None:
                headers = {"Idempotency-Replayed": "true"}
                return Response(body, status=begun.status_code, headers=headers)
            outdated = begun

    def _create_and_store(
        self, request: Request, claim: Claim, *args: Any, **kwargs: Any
    ) -> Response:
        try:
            with self._transaction():
                response = self.create(request, *args, **kwargs)
                self._store(claim, response)
        except BaseException:
            idempotency.abandon(claim)
            raise
        if response.status_code >= 500:
            idempotency.abandon(claim)
        return response

    def _transaction(self) -> AbstractContextManager[None]:
        return transaction.atomic() if self.works_in_one_transaction else nullcontext()

    def _store(self, claim: Claim, response: Response) -> None:
        if response.status_code >= 500:
            if self.works_in_one_transaction:
                transaction.set_rollback(True)
            return
        body = response.data
        if self.secret_fields:
            body = {**body, **{name: None for name in self.secret_fields if name in body}}
        is_ours = idempotency.finish(claim, status_code=response.status_code, body=body)
        if self.works_in_one_transaction and not is_ours:
            raise IdempotencyInProgress
