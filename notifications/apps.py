from django.apps import AppConfig
from django.conf import settings
from django.utils.module_loading import import_string

from core.starting import stop_start


class NotificationsConfig(AppConfig):
    name = "notifications"

    def ready(self) -> None:
        from core.doctor import register_check
        from core.metrics import register_collector
        from notifications import handlers, staff_handlers  # noqa: F401 - subscribe
        from notifications.doctor import check_mail
        from notifications.metrics import MailCollector

        _check_settings()
        register_check(check_mail, name="mail")
        register_collector(MailCollector(), name="mail")


def _check_settings() -> None:
    """What is set wrongly stops the start, not the first mail."""
    try:
        import_string(settings.EMAIL_BACKEND)
    except ImportError as exc:
        stop_start([f"EMAIL_BACKEND: {exc}"])
