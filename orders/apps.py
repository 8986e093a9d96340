from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "orders"

    def ready(self) -> None:
        from courses.services import register_counter
        from orders.sales import count_recent_sales
        from orders.taxes import load_rule

        # A rule that isn't there stops the start, not the first sale.
        load_rule()

        register_counter(
            name="sales", fields=["sales_30_days"], count=count_recent_sales, is_window=True
        )
