"""Shapes of reviews (plan 4.3)."""

from rest_framework import serializers

from core.serializers import ApiSerializer

MAX_COMMENT_LENGTH = 10_000


class ReviewInput(ApiSerializer):
    """A review as its author writes it; title and comment may be missing or empty."""

    rating = serializers.IntegerField(min_value=1, max_value=5)
    title = serializers.CharField(max_length=255, required=False, allow_blank=True)
    comment = serializers.CharField(max_length=MAX_COMMENT_LENGTH, required=False, allow_blank=True)


class OwnReviewSerializer(ApiSerializer):
    """The answer to whoever writes a review."""

    id = serializers.UUIDField()
    rating = serializers.IntegerField()
    title = serializers.CharField(allow_blank=True)
    comment = serializers.CharField(allow_blank=True)
    helpful_count = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class ReviewAuthorSerializer(ApiSerializer):
    """Who wrote it."""

    id = serializers.UUIDField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    avatar = serializers.URLField(allow_null=True)


class ReviewSerializer(OwnReviewSerializer):
    """A review in the list of a course."""

    author = ReviewAuthorSerializer()


class HelpfulSerializer(ApiSerializer):
    """What became of a vote."""

    id = serializers.UUIDField()
    helpful_count = serializers.IntegerField()
