"""Examples of authoring for the schema."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

_NEW_COURSE = {
    "title": "Complete Web Development Bootcamp 2026",
    "description": "Learn web development from scratch...",
    "short_description": "From Zero to Full-Stack Developer",
    "category": "development",
    "level": "beginner",
    "language": "English",
    "price": 89.99,
    "original_price": 129.99,
    "outcomes": ["Build 16+ real-world projects including full-stack web applications"],
    "requirements": ["No programming experience needed - beginner friendly"],
    "preview_video_url": "https://videos.example.com/bootcamp.mp4",
}
_ROW: dict[str, Any] = {
    "id": "019b76da-a800-7c3e-8f5d-3c1f0a5b7e21",
    "title": "Complete Web Development Bootcamp 2026",
    "slug": "complete-web-development-bootcamp-2026",
    "status": "draft",
    "is_published": False,
    "category": "Development",
    "thumbnail": None,
    "level": "beginner",
    "language": "English",
    "price": 89.99,
    "original_price": 129.99,
    "discount_percent": 30,
    "duration_hours": 0,
    "total_sections": 0,
    "total_lessons": 0,
    "student_count": 0,
    "rating": 0,
    "rating_count": 0,
    "review_count": 0,
    "review_note": "",
    "published_at": None,
    "last_updated": "2026-01-27T10:00:00.123456Z",
    "created_at": "2026-01-27T10:00:00.123456Z",
}
_COURSE = {
    **_ROW,
    "instructor": {
        "id": "019b76d8-0f1e-7d2c-9b3a-4c5d6e7f8a9b",
        "first_name": "Angela",
        "last_name": "Yu",
    },
    "category_id": "019b76d9-1a2b-7c3d-8e4f-5a6b7c8d9e0f",
    "category_slug": "development",
    "thumbnails": {},
    "description": _NEW_COURSE["description"],
    "short_description": _NEW_COURSE["short_description"],
    "preview_video_url": _NEW_COURSE["preview_video_url"],
    "outcomes": _NEW_COURSE["outcomes"],
    "requirements": _NEW_COURSE["requirements"],
    "missing": ["lessons"],
}
_NEW_LESSON = {
    "title": "What is Web Development?",
    "description": "",
    "video_url": "https://videos.example.com/what-is-web-development.mp4",
    "duration_minutes": 10,
    "is_preview": True,
    "resources": [{"title": "Slides", "url": "https://files.example.com/slides.pdf"}],
}
_LESSON = {
    "id": "019b76da-b222-7b3c-9d4e-5f6a7b8c9d0e",
    "section_id": "019b76da-b111-7a2b-8c3d-4e5f6a7b8c9d",
    **_NEW_LESSON,
    "order": 1,
}
_NEW_SECTION = {
    "title": "Introduction to Web Development",
    "description": "Get started with the fundamentals",
}
_SECTION = {
    "id": "019b76da-b111-7a2b-8c3d-4e5f6a7b8c9d",
    **_NEW_SECTION,
    "order": 1,
    "total_lessons": 1,
    "total_duration_minutes": 10,
    "lessons": [_LESSON],
}

COURSE = OpenApiExample("The course", value=_COURSE, response_only=True)
COURSE_ROW = OpenApiExample("A course", value=_ROW, response_only=True)
COURSE_CREATE = [OpenApiExample("A course", value=_NEW_COURSE, request_only=True), COURSE]
COURSE_UPDATE = [
    OpenApiExample(
        "A new price",
        value={"price": 79.99, "last_updated": _ROW["last_updated"]},
        request_only=True,
    ),
    COURSE,
]
SECTION = OpenApiExample("The section", value=_SECTION, response_only=True)
SECTIONS = OpenApiExample("The curriculum", value={"results": [_SECTION]}, response_only=True)
SECTION_CREATE = [OpenApiExample("A section", value=_NEW_SECTION, request_only=True), SECTION]
SECTION_UPDATE = [OpenApiExample("To the front", value={"order": 1}, request_only=True), SECTION]
LESSON = OpenApiExample("The lesson", value=_LESSON, response_only=True)
LESSONS = OpenApiExample("The lessons", value={"results": [_LESSON]}, response_only=True)
LESSON_CREATE = [OpenApiExample("A lesson", value=_NEW_LESSON, request_only=True), LESSON]
LESSON_UPDATE = [
    OpenApiExample("A preview", value={"is_preview": True}, request_only=True), LESSON,
]  # fmt: skip
REORDER = OpenApiExample(
    "The second to the front",
    value={
        "order": [
            "019b76da-b333-7c4d-8e5f-6a7b8c9d0e1f",
            "019b76da-b111-7a2b-8c3d-4e5f6a7b8c9d",
        ]
    },
    request_only=True,
)
