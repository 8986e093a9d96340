from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"

    def ready(self) -> None:
        from core.doctor import register_check
        from core.metrics import register_collector
        from notifications import handlers, staff_handlers  # noqa: F401 - subscribe
        from notifications.doctor import check_mail
        from notifications.metrics import MailCollector

        register_check(check_mail, name="mail")
        register_collector(MailCollector(), name="mail")
