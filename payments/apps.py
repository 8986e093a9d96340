from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "payments"

    def ready(self) -> None:
        from core.metrics import register_collector
        from payments import handlers  # noqa: F401 - subscribes
        from payments.metrics import MoneyCollector

        register_collector(MoneyCollector(), name="money")
