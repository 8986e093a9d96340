from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"

    def ready(self) -> None:
        from core.doctor import register_check
        from notifications import handlers, staff_handlers  # noqa: F401 - subscribe
        from notifications.doctor import check_mail

        register_check(check_mail, name="mail")
