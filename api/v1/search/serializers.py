"""Shapes of search: what it takes, and what it answers."""

from typing import Any

from rest_framework import serializers

from api.v1.catalogue.serializers import CategorySerializer, CourseRowSerializer
from core.serializers import ApiSerializer
from courses.search.words import MAX_LENGTH


class SearchQuery(ApiSerializer):
    """What to search for."""

    q = serializers.CharField(
        max_length=MAX_LENGTH, help_text="Words; misspelt ones find courses too."
    )
    type = serializers.ChoiceField(
        choices=["course", "instructor", "category"],
        required=False,
        help_text="Fill this one only; the others stay empty.",
    )
    page = serializers.IntegerField(
        min_value=1, default=1, help_text="Pages (of 20) the one named by `type`."
    )
    highlights = serializers.BooleanField(
        default=False, help_text="Also say where each course matches, in `highlight`."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["page"] > 1 and "type" not in attrs:
            raise serializers.ValidationError({"page": ["Needs `type`: it pages one kind."]})
        return attrs


class SuggestQuery(ApiSerializer):
    """What somebody began to type."""

    q = serializers.CharField(max_length=MAX_LENGTH, help_text="The beginning of a query.")


class HighlightSerializer(ApiSerializer):
    """Where a course matches: escaped HTML whose only tag is `<mark>`."""

    title = serializers.CharField()
    text = serializers.CharField(
        allow_blank=True, help_text="From the summary; from the description when there is none."
    )


class CourseFoundSerializer(CourseRowSerializer):
    """A course among the results."""

    highlight = HighlightSerializer(allow_null=True, help_text="Null without `highlights=1`.")


class InstructorFoundSerializer(ApiSerializer):
    """An instructor among the results."""

    id = serializers.UUIDField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    bio = serializers.CharField(allow_blank=True)
    profile_picture = serializers.URLField(allow_null=True)


class CoursesFoundSerializer(ApiSerializer):
    """How many courses match, and one page of them."""

    count = serializers.IntegerField()
    results = CourseFoundSerializer(many=True)


class InstructorsFoundSerializer(ApiSerializer):
    """How many instructors match, and one page of them."""

    count = serializers.IntegerField()
    results = InstructorFoundSerializer(many=True)


class CategoriesFoundSerializer(ApiSerializer):
    """How many categories match, and one page of them."""

    count = serializers.IntegerField()
    results = CategorySerializer(many=True)


class SearchSerializer(ApiSerializer):
    """The results, always of all three kinds."""

    courses = CoursesFoundSerializer()
    instructors = InstructorsFoundSerializer()
    categories = CategoriesFoundSerializer()
    did_you_mean = serializers.CharField(
        allow_null=True,
        help_text="Another spelling that finds more. When the one typed finds no course, the "
        "results are of this one already.",
    )


class SuggestionSerializer(ApiSerializer):
    """Something to search for (`query`) or to go to (the others)."""

    type = serializers.ChoiceField(choices=["query", "category", "course", "instructor"])
    text = serializers.CharField()
    id = serializers.UUIDField(allow_null=True, help_text="Null for a query.")
    slug = serializers.SlugField(allow_null=True, help_text="Of courses and categories.")


class SuggestionsSerializer(ApiSerializer):
    """At most ten."""

    results = SuggestionSerializer(many=True)


class PopularSearchSerializer(ApiSerializer):
    """A search that many made."""

    query = serializers.CharField()
    count = serializers.IntegerField(help_text="Visitors a day, added up over the last days.")


class PopularSearchesSerializer(ApiSerializer):
    """At most ten, the most popular first."""

    results = PopularSearchSerializer(many=True)
