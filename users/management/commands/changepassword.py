"""Django's command, by way of the service."""

import getpass
from typing import Any

from django.contrib.auth.management.commands.changepassword import Command as DjangoCommand
from django.core.management.base import CommandError

from core.errors import Invalid
from users import services
from users.models import User, normalise_email

_TRIES = 3


def _ask(prompt: str) -> str:
    password = getpass.getpass(prompt=prompt)
    if not password:
        raise CommandError("aborted")
    return password


class Command(DjangoCommand):
    help = "Set somebody's password. All their sessions end, and they are told by mail."

    def handle(self, *args: Any, **options: Any) -> str:
        email = normalise_email(options["username"] or "")
        user = User.objects.filter(email=email).first()
        if user is None:
            raise CommandError(f"Nobody has the e-mail '{email}'")
        self.stdout.write(f"Changing the password of {user}")
        for _ in range(_TRIES):
            password, again = _ask("Password: "), _ask("Password (again): ")
            if password != again:
                self.stderr.write("These are not the same. Please try again.")
                continue
            try:
                services.check_new_password(password, user=user, field="new_password")
                services.set_password(user_id=user.id, new_password=password, actor_id=None)
            except Invalid as exc:
                reasons = exc.details["new_password"]
                self.stderr.write("\n".join(reasons) if isinstance(reasons, list) else str(reasons))
                continue
            return f"The password of {user} is changed."
        raise CommandError(f"Left the password of {user} after {_TRIES} attempts")
