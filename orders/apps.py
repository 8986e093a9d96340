from collections.abc import Callable

from django.apps import AppConfig
from django.conf import settings

from core.money import require_bounds, require_charged
from core.starting import stop_start


class OrdersConfig(AppConfig):
    name = "orders"

    def ready(self) -> None:
        from courses.services import register_counter, register_taxes
        from enrollments.buying import register_purchases
        from orders.sales import count_recent_sales
        from orders.selectors import list_courses_in_progress
        from orders.taxes import highest_net

        _check_settings()
        register_purchases(find_in_progress=list_courses_in_progress)
        register_taxes(highest_net=highest_net)
        register_counter(
            name="sales", fields=["sales_30_days"], count=count_recent_sales, is_window=True
        )


def _check_settings() -> None:
    """What is set wrongly stops the start, not the first sale."""
    from orders.taxes import check_rates, load_rule

    checks: dict[str, Callable[[], object]] = {
        "CURRENCY": lambda: require_charged(settings.CURRENCY),
        "MINIMUM_CHARGE": require_bounds,
        "TAX_RULE": load_rule,
        "TAX_RATES": check_rates,
    }
    problems = []
    for name, check in checks.items():
        try:
            check()
        except (ImportError, ValueError) as exc:
            problems.append(f"{name}: {exc}")
    if problems:
        stop_start(problems)
