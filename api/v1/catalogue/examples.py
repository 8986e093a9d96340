"""Examples of the catalogue for the schema, in the words of plan 4.3."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

_MEDIA = "http://127.0.0.1:8000/media"
_CATEGORY = {
    "id": "019b76d9-1a2b-7c3d-8e4f-5a6b7c8d9e0f",
    "name": "Development",
    "slug": "development",
    "description": "From a first page to a whole platform.",
    "icon": "BookOpen",
    "course_count": 1234,
}
_ROW: dict[str, Any] = {
    "id": "019b76da-a800-7c3e-8f5d-3c1f0a5b7e21",
    "title": "Complete Web Development Bootcamp 2026",
    "slug": "complete-web-development-bootcamp-2026",
    "instructor": {
        "id": "019b76d8-0f1e-7d2c-9b3a-4c5d6e7f8a9b",
        "first_name": "Angela",
        "last_name": "Yu",
    },
    "thumbnail": f"{_MEDIA}/course_thumbnails/web.webp",
    "rating": 4.8,
    "rating_count": 45280,
    "student_count": 234567,
    "duration_hours": 52,
    "level": "beginner",
    "price": 89.99,
    "original_price": 129.99,
    "discount_percent": 30,
    "category": "Development",
    "is_bestseller": True,
    "is_new": False,
    "enrolled": False,
    "in_cart": False,
    "in_wishlist": False,
}
_LESSON = {
    "id": "019b76da-b222-7b3c-9d4e-5f6a7b8c9d0e",
    "title": "What is Web Development?",
    "description": "",
    "duration_minutes": 10,
    "order": 1,
    "is_preview": True,
    "video_url": "https://videos.example.com/what-is-web-development.mp4",
    "resources": [{"title": "Slides", "url": "https://files.example.com/slides.pdf"}],
    "completed": False,
}
_SECTION = {
    "id": "019b76da-b111-7a2b-8c3d-4e5f6a7b8c9d",
    "title": "Introduction to Web Development",
    "description": "Get started with the fundamentals",
    "order": 1,
    "total_lessons": 1,
    "total_duration_minutes": 10,
    "lessons": [_LESSON],
}
_REVIEWS = {
    "count": 45280,
    "rating": 4.8,
    "distribution": {"5": 35000, "4": 8000, "3": 1500, "2": 500, "1": 280},
    "recent": [
        {
            "id": "019b76dc-3c4d-7e5f-8a6b-7c8d9e0f1a2b",
            "author": "John Smith",
            "avatar": f"{_MEDIA}/profiles/john.webp",
            "rating": 5,
            "date": "2 days ago",
            "comment": "Absolutely fantastic course!",
            "helpful_count": 234,
        }
    ],
}
_DETAIL = {
    **_ROW,
    "thumbnails": {
        width: f"{_MEDIA}/course_thumbnails/sized/{'0' * 32}-{'0' * 12}-{width}.webp"
        for width in ("320", "640", "1280")
    },
    "description": "Learn web development from scratch...",
    "short_description": "From Zero to Full-Stack Developer",
    "instructor": {
        **_ROW["instructor"],
        "profile": {
            "bio": "10+ years of teaching experience",
            "profile_picture": f"{_MEDIA}/profiles/angela.webp",
            "courses_count": 12,
            "students_count": 523456,
            "rating": 4.8,
        },
    },
    "preview_video_url": "https://videos.example.com/bootcamp.mp4",
    "review_count": 41230,
    "language": "English",
    "last_updated": "2026-01-27T10:00:00Z",
    "published_at": "2025-09-01T08:00:00Z",
    "is_published": True,
    "outcomes": ["Build 16+ real-world projects including full-stack web applications"],
    "requirements": ["No programming experience needed - beginner friendly"],
    "curriculum": [_SECTION],
    "lessons_count": 1,
    "curriculum_next": None,
    "reviews": _REVIEWS,
    "progress": None,
    "viewer": {"can_buy": True, "reason": None},
}

CATEGORIES = OpenApiExample("Shelves", value={"results": [_CATEGORY]}, response_only=True)
COURSE_ROW = OpenApiExample("A course", value=_ROW, response_only=True)
COURSE_DETAIL = OpenApiExample("A course", value=_DETAIL, response_only=True)
LESSON_PAGE = OpenApiExample(
    "The next ones",
    value={
        "count": 1240,
        "next": f"http://127.0.0.1:8000/api/v1/courses/{_DETAIL['id']}/lessons/?page=3&page_size=100",
        "previous": f"http://127.0.0.1:8000/api/v1/courses/{_DETAIL['id']}/lessons/?page=1&page_size=100",
        "total_pages": 13,
        "current_page": 2,
        "results": [{**_LESSON, "section_id": _SECTION["id"]}],
    },
    response_only=True,
)
RELATED = OpenApiExample(
    "Related courses",
    value={
        "results": [
            {
                **_ROW,
                "shared_learners": 37,
                "same_category": True,
                "reason": "Learners of “JavaScript from Scratch” also took this",
            }
        ]
    },
    response_only=True,
)
COURSE_PAGE = OpenApiExample(
    "A page",
    value={
        "count": 123,
        "next": "http://127.0.0.1:8000/api/v1/courses/?page=2",
        "previous": None,
        "total_pages": 7,
        "current_page": 1,
        "results": [_ROW],
    },
    response_only=True,
)
