"""Forms of the admin that do more than their columns."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from core.errors import Unavailable
from courses import media
from courses.errors import ThumbnailInvalid
from courses.models import Course
from courses.rules import find_price_faults
from courses.services.authoring.slugs import find_slug_fault


class CourseForm(forms.ModelForm[Course]):
    """A course judged by the rules, and told in the words, that its instructor would meet; its
    picture is made in sizes likewise."""

    made: media.Thumbnail | None = None

    class Meta:
        # Not Django's field for pictures, which has Pillow open whatever it knows.
        field_classes = {"thumbnail": forms.FileField}

    def clean_slug(self) -> str:
        """Return the slug. One from before the rule may stay."""
        slug: str = self.cleaned_data["slug"]
        fault = find_slug_fault(slug=slug) if "slug" in self.changed_data else None
        if fault is not None:
            raise ValidationError(fault)
        return slug

    def clean(self) -> dict[str, Any]:
        """Refuse a price that nobody could pay, and an original price that it doesn't go with."""
        cleaned = super().clean() or {}
        price, original_price = cleaned.get("price"), cleaned.get("original_price")
        if price is not None:
            is_new = "price" in self.changed_data
            for field, fault in find_price_faults(
                price=price, original_price=original_price, is_new=is_new
            ).items():
                self.add_error(field, fault)
        return cleaned

    def clean_thumbnail(self) -> Any:
        """Return the upload; what is kept or cleared passes as it is."""
        upload = self.cleaned_data["thumbnail"]
        if isinstance(upload, UploadedFile):
            upload.seek(0)
            try:
                self.made = media.make_thumbnail(stream=upload, size=upload.size or 0)
            except ThumbnailInvalid as exc:
                raise ValidationError(exc.reason) from None
            except Unavailable as exc:
                raise ValidationError(exc.message) from None
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
