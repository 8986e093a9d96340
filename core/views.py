"""Health checks and metrics. Never throttled, no login, no internals in the answers."""

import hmac
import ipaddress

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from prometheus_client import CONTENT_TYPE_LATEST
from rest_framework import serializers
from rest_framework.decorators import (
    api_view,
    authentication_classes,
    permission_classes,
    throttle_classes,
)
from rest_framework.request import Request
from rest_framework.response import Response

from core.features import sends_mail
from core.health import Readiness, check_readiness
from core.metrics import collect_metrics

_HEALTH = inline_serializer(
    "Health",
    {
        "status": serializers.ChoiceField(["healthy", "unhealthy"]),
        "database": serializers.ChoiceField(["ok", "error"]),
        "cache": serializers.ChoiceField(["ok", "error"]),
        "email": serializers.ChoiceField(["on", "off"]),
        "timestamp": serializers.DateTimeField(),
    },
)
_READY = inline_serializer(
    "Readiness",
    {
        "status": serializers.ChoiceField(["ready", "degraded", "not_ready"]),
        "checks": serializers.DictField(child=serializers.ChoiceField(["ok", "error"])),
    },
)


@extend_schema(
    tags=["Health"],
    summary="Overall health",
    description=(
        "The plan's health check, for whoever is to be woken: 200 while database, migrations, "
        "cache and broker answer and workers and beat are there. `email` is off where no mail "
        "server is configured."
    ),
    responses={200: _HEALTH, 503: OpenApiResponse(_HEALTH, description="Something is away")},
    examples=[
        OpenApiExample(
            "Healthy",
            {
                "status": "healthy",
                "database": "ok",
                "cache": "ok",
                "email": "on",
                "timestamp": "2026-01-27T10:00:00.000000Z",
            },
            response_only=True,
            status_codes=["200"],
        )
    ],
)
@api_view(["GET", "HEAD"])
@authentication_classes([])
@permission_classes([])
@throttle_classes([])
def health(request: Request) -> Response:
    """Answer the plan's shape (11.2)."""
    readiness = check_readiness()
    body = {
        "status": "healthy" if readiness.is_whole else "unhealthy",
        "database": _word(readiness.checks["database"] and readiness.checks["migrations"]),
        "cache": _word(readiness.checks["cache"] and readiness.checks["broker"]),
        "email": "on" if sends_mail() else "off",
        "timestamp": timezone.now(),
    }
    return Response(body, status=200 if readiness.is_whole else 503)


@extend_schema(
    tags=["Health"],
    summary="Liveness",
    description="200 as long as the process answers at all; asks nothing else.",
    responses={200: inline_serializer("Liveness", {"status": serializers.CharField()})},
    examples=[OpenApiExample("Alive", {"status": "alive"}, response_only=True)],
)
@api_view(["GET", "HEAD"])
@authentication_classes([])
@permission_classes([])
@throttle_classes([])
def live(request: Request) -> Response:
    """Answer that the process answers."""
    return Response({"status": "alive"})


@extend_schema(
    tags=["Health"],
    summary="Readiness",
    description=(
        "200 when the process can serve requests: database, migrations, cache and broker. "
        "`degraded` while it can, but workers or beat are gone: what people do is written down, "
        "and what follows from it waits."
    ),
    responses={200: _READY, 503: OpenApiResponse(_READY, description="Not ready")},
    examples=[
        OpenApiExample(
            "Ready",
            {
                "status": "ready",
                "checks": dict.fromkeys(
                    ("database", "migrations", "cache", "broker", "worker", "beat"), "ok"
                ),
            },
            response_only=True,
            status_codes=["200"],
        )
    ],
)
@api_view(["GET", "HEAD"])
@authentication_classes([])
@permission_classes([])
@throttle_classes([])
def ready(request: Request) -> Response:
    """Answer each check by name, as "ok" or "error"."""
    readiness = check_readiness()
    body = {
        "status": _status(readiness),
        "checks": {name: _word(ok) for name, ok in readiness.checks.items()},
    }
    return Response(body, status=200 if readiness.ok else 503)


def _status(readiness: Readiness) -> str:
    if not readiness.ok:
        return "not_ready"
    return "ready" if readiness.is_whole else "degraded"


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus metrics: with the token of METRICS_TOKEN, or from loopback directly; else 404."""
    if not _may_read_metrics(request):
        return HttpResponse(status=404)
    return HttpResponse(collect_metrics(), content_type=CONTENT_TYPE_LATEST)


def _may_read_metrics(request: HttpRequest) -> bool:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    if settings.METRICS_TOKEN and hmac.compare_digest(
        given.encode(), settings.METRICS_TOKEN.encode()
    ):
        return True
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _word(ok: bool) -> str:
    return "ok" if ok else "error"
