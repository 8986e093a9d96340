from django.apps import AppConfig
from django.conf import settings

from core.starting import stop_start


class PaymentsConfig(AppConfig):
    name = "payments"

    def ready(self) -> None:
        from core.doctor import register_check
        from core.metrics import register_collector
        from orders.paying import register_payments
        from payments import handlers  # noqa: F401 - subscribes
        from payments.doctor import check_money
        from payments.metrics import MoneyCollector
        from payments.selectors import find_late_payments
        from payments.services import end_open_payment, is_payment_open

        _require_one_mode(settings.STRIPE_SECRET_KEY, settings.STRIPE_PUBLIC_KEY)
        if settings.STRIPE_SECRET_KEY:
            _require_way_to(settings.STRIPE_API_BASE)
        register_collector(MoneyCollector(), name="money")
        register_check(check_money, name="money")
        register_payments(
            is_open=is_payment_open, end=end_open_payment, find_late=find_late_payments
        )


def _require_one_mode(*keys: str) -> None:
    """Stop the start with keys of Stripe's test mode beside live ones: what one makes, the other
    doesn't know, so that no buyer could pay."""
    modes = {mode for key in keys for mode in ("test", "live") if f"k_{mode}_" in key}
    if len(modes) > 1:
        stop_start(["STRIPE_SECRET_KEY and STRIPE_PUBLIC_KEY are of different modes"])


def _require_way_to(api_base: str) -> None:
    """Stop the start with a proxy that no call can go by, before a buyer meets it."""
    from stripe import DEFAULT_API_BASE

    from payments.stripe_http import find_proxy

    try:
        find_proxy(api_base or DEFAULT_API_BASE)
    except ValueError as exc:
        stop_start([f"HTTPS_PROXY (or what stands for it): {exc}"])
