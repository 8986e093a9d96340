from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "orders"

    def ready(self) -> None:
        from courses.services import register_counter
        from orders.sales import count_recent_sales

        register_counter(
            name="sales", fields=["sales_30_days"], count=count_recent_sales, is_window=True
        )
