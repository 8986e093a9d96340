from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured


class OrdersConfig(AppConfig):
    name = "orders"

    def ready(self) -> None:
        from courses.services import register_counter
        from orders.sales import count_recent_sales
        from orders.taxes import load_rule

        # A rule that isn't there stops the start, not the first sale.
        try:
            load_rule()
        except ImportError as exc:
            raise ImproperlyConfigured(f"LearnFlow can't start, TAX_RULE: {exc}") from exc

        register_counter(
            name="sales", fields=["sales_30_days"], count=count_recent_sales, is_window=True
        )
