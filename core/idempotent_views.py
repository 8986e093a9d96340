"""The view side of `Idempotency-Key`."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import idempotency


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
        stored = idempotency.begin(user_id=user_id, key=key, fingerprint=mark)
        if stored is not None:
            headers = {"Idempotency-Replayed": "true"}
            return Response(stored.body, status=stored.status_code, headers=headers)
        return self._create_and_store(request, user_id, key, *args, **kwargs)

    def _create_and_store(
        self, request: Request, user_id: Any, key: str, *args: Any, **kwargs: Any
    ) -> Response:
        try:
            response = self.create(request, *args, **kwargs)
        except BaseException:
            idempotency.abandon(user_id=user_id, key=key)
            raise
        if response.status_code >= 500:
            idempotency.abandon(user_id=user_id, key=key)
        else:
            idempotency.finish(
                user_id=user_id, key=key, status_code=response.status_code, body=response.data
            )
        return response
