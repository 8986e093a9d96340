"""What people tell of themselves, and their pictures."""

import uuid
from functools import partial

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.timezone import now

from core.outbox import record
from users.events import PersonRenamed
from users.models import User, UserProfile
from users.pictures import make_picture


def update_profile(
    *,
    user_id: uuid.UUID,
    first_name: str | None = None,
    last_name: str | None = None,
    bio: str | None = None,
    phone: str | None = None,
    country: str | None = None,
    timezone: str | None = None,
    picture: UploadedFile | None = None,
) -> None:
    """Set what is given and leave what is None. Raises users.pictures.PictureInvalid.

    The new picture is stored before the transaction and the old one deleted after it, so that no
    storage is waited for under a lock and a failure never leaves a profile without its file.
    """
    names = _given(first_name=first_name, last_name=last_name)
    told = _given(bio=bio, phone=phone, country=country, timezone=timezone)
    stored = _store_picture(picture) if picture is not None else None
    try:
        with transaction.atomic():
            _set_names(user_id, names)
            _set_profile(user_id, told | _given(profile_picture=stored))
    except BaseException:
        if stored is not None:
            default_storage.delete(stored)
        raise


def announce_name(*, user_id: uuid.UUID) -> None:
    """Tell the floors above that staff changed a person's name. In the writer's transaction."""
    record(PersonRenamed(user_id=user_id))


def remove_picture(*, user_id: uuid.UUID) -> None:
    """Take a person's picture away; nothing happens when there is none."""
    with transaction.atomic():
        _set_profile(user_id, {"profile_picture": ""})


def _store_picture(picture: UploadedFile) -> str:
    name = f"profiles/{uuid.uuid4().hex}.webp"
    return default_storage.save(name, ContentFile(make_picture(picture)))


def _given(**fields: str | None) -> dict[str, str]:
    return {field: value for field, value in fields.items() if value is not None}


def _set_names(user_id: uuid.UUID, names: dict[str, str]) -> None:
    others = User.objects.filter(id=user_id).exclude(**names)
    if names and others.update(**names, updated_at=now()):
        record(PersonRenamed(user_id=user_id))


def _set_profile(user_id: uuid.UUID, fields: dict[str, str]) -> None:
    if not fields:
        return
    # Locked: of two uploads at once, each deletes the file of the one before it.
    profile = UserProfile.objects.select_for_update().get(user_id=user_id)
    old = profile.profile_picture.name
    for field, value in fields.items():
        setattr(profile, field, value)
    profile.save(update_fields=[*fields, "updated_at"])
    if "profile_picture" in fields and old:
        transaction.on_commit(partial(default_storage.delete, old), robust=True)
