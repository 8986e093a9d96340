"""Profile pictures: judged by their content, made small and anonymous, never kept as uploaded."""

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from PIL import Image

from core import pictures
from core.errors import Invalid

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MAX_SIDE = 512


class PictureInvalid(Invalid):
    """The upload can't become a profile picture."""

    def __init__(self, reason: str) -> None:
        super().__init__("The picture is not acceptable", profile_picture=[reason])


def make_picture(upload: UploadedFile) -> bytes:
    """Return the upload as WebP of at most 512 px a side, upright and without metadata.

    Raises PictureInvalid when it is larger than PROFILE_PICTURE_MAX_BYTES, no JPEG, PNG, WebP or
    GIF, damaged, or unreasonably large when unpacked. Name and content type are not believed.
    """
    try:
        pictures.check_size(size=upload.size or 0, limit=settings.PROFILE_PICTURE_MAX_BYTES)
        with pictures.open_picture(upload, formats=FORMATS, side=MAX_SIDE * 2) as small:
            small.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
            return pictures.to_webp(small)
    except pictures.UnusablePictureError as exc:
        raise PictureInvalid(exc.reason) from None
