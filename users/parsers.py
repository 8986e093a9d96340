"""Form data with a picture in it."""

from django.conf import settings

from core.uploads import BoundedMultiPartParser


class PictureParser(BoundedMultiPartParser):
    """Multipart that may hold a profile picture."""

    @classmethod
    def max_file_bytes(cls) -> int:
        return settings.PROFILE_PICTURE_MAX_BYTES
