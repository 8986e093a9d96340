from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from core.money import require_cents


class OrdersConfig(AppConfig):
    name = "orders"

    def ready(self) -> None:
        from courses.services import register_counter
        from orders.sales import count_recent_sales
        from orders.taxes import load_rule

        # What is set wrongly stops the start, not the first sale.
        try:
            require_cents(settings.CURRENCY)
        except ValueError as exc:
            raise ImproperlyConfigured(f"LearnFlow can't start, CURRENCY: {exc}") from exc
        try:
            load_rule()
        except ImportError as exc:
            raise ImproperlyConfigured(f"LearnFlow can't start, TAX_RULE: {exc}") from exc

        register_counter(
            name="sales", fields=["sales_30_days"], count=count_recent_sales, is_window=True
        )
