"""Forms of the admin that do more than their columns."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from courses import media
from courses.errors import ThumbnailInvalid
from courses.models import Course


class CourseForm(forms.ModelForm[Course]):
    """A course whose picture is judged, and made in sizes, as its instructor's would be."""

    made: media.Thumbnail | None = None

    def clean_thumbnail(self) -> Any:
        """Return the upload; what is kept or cleared passes as it is."""
        upload = self.cleaned_data["thumbnail"]
        if isinstance(upload, UploadedFile):
            upload.seek(0)
            try:
                self.made = media.make_thumbnail(stream=upload, size=upload.size or 0)
            except ThumbnailInvalid as exc:
                raise ValidationError(exc.reason) from None
        return upload

    def place_thumbnail(self, course: Course) -> None:
        """Give the course the picture made, before it is saved, and discard the one before it when
        the transaction commits."""
        if "thumbnail" not in self.changed_data:
            return
        before = self.initial.get("thumbnail")
        media.discard_thumbnail(name=str(before or ""))
        if self.made is not None:
            course.thumbnail = media.store_thumbnail(thumbnail=self.made)
