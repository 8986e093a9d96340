"""Mail as files, for machines without a mail server."""

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class FileBackend(BaseEmailBackend):
    """Writes each mail to `EMAIL_FILE_PATH` as `<kind>-<id>.eml`, whole or not at all.

    The name follows from the Message-ID: the same mail sent twice is the same file.
    """

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = Path(settings.EMAIL_FILE_PATH)
        folder.mkdir(parents=True, exist_ok=True)
        for message in email_messages:
            _write(folder, message)
        return len(email_messages)


def _write(folder: Path, message: EmailMessage) -> None:
    mime = message.message()
    identity = re.sub(r"[^A-Za-z0-9-]+", "-", str(mime["Message-ID"]).split("@")[0]).strip("-")
    kind = str(message.extra_headers.get("X-LearnFlow-Kind", "mail"))
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        file.write(mime.as_bytes())
    os.replace(file.name, folder / f"{kind}-{identity}.eml")
