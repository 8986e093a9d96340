"""The view side of `Idempotency-Key`."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import idempotency
from core.idempotency import Claim, StoredAnswer


class IdempotentPostMixin(APIView):
    """A POST that honours `Idempotency-Key`: subclasses write `create` instead of `post`.

    An answer below 500 is stored and given again for the same key, person and body, with the header
    `Idempotency-Replayed: true`; a refusal by an exception or a 5xx frees the key.
    """

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Do the work of the POST."""
        raise NotImplementedError

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return self.create(request, *args, **kwargs)
        user_id: Any = request.user.pk
        mark = idempotency.fingerprint(method="POST", path=request.path, body=request.data)
        begun = idempotency.begin(user_id=user_id, key=key, fingerprint=mark)
        if isinstance(begun, StoredAnswer):
            headers = {"Idempotency-Replayed": "true"}
            return Response(begun.body, status=begun.status_code, headers=headers)
        return self._create_and_store(request, begun, *args, **kwargs)

    def _create_and_store(
        self, request: Request, claim: Claim, *args: Any, **kwargs: Any
    ) -> Response:
        try:
            response = self.create(request, *args, **kwargs)
        except BaseException:
            idempotency.abandon(claim)
            raise
        if response.status_code >= 500:
            idempotency.abandon(claim)
        else:
            idempotency.finish(claim, status_code=response.status_code, body=response.data)
        return response
