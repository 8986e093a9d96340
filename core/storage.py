"""Files on S3, which may be slow or away: django-storages, with an end to waiting.

Each call has time-outs (`S3_TIMEOUT_SECONDS`) and at most one repetition, and an operation four
times as long, whatever S3 does. In a web process only so many threads wait for S3 (`core.waits`),
and after a call that got no answer nobody calls for `S3_PAUSE_SECONDS`. All of this is
FilesUnavailable to the caller.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Any

from boto3.exceptions import RetriesExceededError
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files.base import File
from storages.backends import s3

from core.breaker import Breaker
from core.errors import FilesUnavailable
from core.storage_time import keep_time, time_limit
from core.waits import slow_waits

logger = logging.getLogger(__name__)

# A connection takes less than an answer, and a second try is all there is.
_CONNECT_SECONDS = 2.0
_ATTEMPTS = 2
# What an operation asks, one after the other: whether there is such a file, and then for it.
_QUESTIONS = 2

breaker = Breaker("S3", pause=lambda: settings.S3_PAUSE_SECONDS)


class PatientS3Storage(s3.S3Storage):
    """The storage of `STORAGES` in production with S3. Raises FilesUnavailable from whatever asks
    S3, and FileNotFoundError as other storages do. What is opened to be read has been read."""

    def get_default_settings(self) -> dict[str, Any]:
        """Return django-storages' defaults with our time-outs, and no threads beside ours."""
        patience = Config(
            connect_timeout=min(_CONNECT_SECONDS, settings.S3_TIMEOUT_SECONDS),
            read_timeout=settings.S3_TIMEOUT_SECONDS,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        )
        defaults: dict[str, Any] = super().get_default_settings()
        alone = TransferConfig(use_threads=False, num_download_attempts=_ATTEMPTS)
        return {**defaults, "client_config": patience, "transfer_config": alone}

    @property
    def connection(self) -> Any:
        """This thread's connection, as django-storages makes it, and one that keeps time."""
        is_new = getattr(self._connections, "connection", None) is None
        connection = super().connection
        if is_new:
            keep_time(connection.meta.client)
        return connection

    def _open(self, name: str, mode: str = "rb") -> File:
        with _patiently():
            file: File = super()._open(name, mode)
            if "r" in mode:
                # Else the content would be fetched while the answer is on its way.
                _fetch(file)
            return file

    def _save(self, name: str, content: File) -> str:
        with _patiently():
            saved: str = super()._save(name, content)
            return saved

    def exists(self, name: str) -> bool:
        """Return whether there is such a file."""
        with _patiently():
            found: bool = super().exists(name)
            return found

    def delete(self, name: str) -> None:
        """Delete the file, if there is one."""
        with _patiently():
            super().delete(name)

    def size(self, name: str) -> int:
        """Return the file's size in bytes."""
        with _patiently():
            bytes_: int = super().size(name)
            return bytes_

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Return the folders and files in a folder."""
        with _patiently():
            listed: tuple[list[str], list[str]] = super().listdir(path)
            return listed

    def get_modified_time(self, name: str) -> datetime:
        """Return when the file was written."""
        with _patiently():
            modified: datetime = super().get_modified_time(name)
            return modified


def _fetch(file: s3.S3File) -> None:
    try:
        file.file  # noqa: B018 - fetches it
    except BaseException:
        # django-storages has it from the beginning, and closes only what was fetched.
        if file._file is not None:
            file._file.close()
        raise


@contextmanager
def _patiently() -> Iterator[None]:
    if not breaker.allows():
        raise FilesUnavailable
    with slow_waits.entered() as is_in:
        if not is_in:
            raise FilesUnavailable
        try:
            with time_limit(settings.S3_TIMEOUT_SECONDS * _ATTEMPTS * _QUESTIONS):
                yield
        except ClientError as exc:
            # It answered. What it refuses us for good is ours to mend, and no outage.
            breaker.succeeded()
            if _status(exc) < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            logger.warning("S3 failed: %s", exc)
            raise FilesUnavailable from exc
        except (BotoCoreError, RetriesExceededError) as exc:
            breaker.failed(exc)
            raise FilesUnavailable from exc
        except Exception:
            breaker.succeeded()
            raise
        breaker.succeeded()


def _status(exc: ClientError) -> int:
    return int(exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
