"""Examples for the schema's readers."""

from drf_spectacular.utils import OpenApiExample

_MEDIA = "http://127.0.0.1:8000/media/course_thumbnails/sized"
_STEM = f"{_MEDIA}/9f86d081884c7d659a2feaa0c55ad015-1f2e3d4c5b6a"

THUMBNAIL = OpenApiExample(
    "A thumbnail",
    value={
        "thumbnail": f"{_STEM}-1280.webp",
        "thumbnails": {str(width): f"{_STEM}-{width}.webp" for width in (320, 640, 1280)},
    },
    response_only=True,
    status_codes=["200"],
)
COURSE_FILE = OpenApiExample(
    "A course",
    value={
        "format": "learnflow-course/1",
        "title": "Complete Web Development Bootcamp 2026",
        "slug": "complete-web-development-bootcamp-2026",
        "short_description": "From your first page to a full stack.",
        "description": "Learn HTML, CSS, JavaScript, React and Node.js.",
        "category": "development",
        "level": "beginner",
        "language": "English",
        "currency": "usd",
        "price": 89.99,
        "original_price": 129.99,
        "preview_video_url": "https://videos.example.com/preview.mp4",
        "outcomes": ["Build a website"],
        "requirements": ["A computer"],
        "thumbnail": None,
        "curriculum": [
            {
                "title": "Introduction",
                "description": "Getting started",
                "lessons": [
                    {
                        "title": "Welcome",
                        "description": "",
                        "video_url": "https://videos.example.com/welcome.mp4",
                        "duration_minutes": 5,
                        "is_preview": True,
                        "resources": [
                            {"title": "Slides", "url": "https://files.example.com/slides.pdf"}
                        ],
                    }
                ],
            }
        ],
    },
)
IMPORTED = OpenApiExample(
    "The draft",
    value={
        "id": "019b76da-a800-7c3e-8f5d-3c1f0a5b7e21",
        "title": "Complete Web Development Bootcamp 2026",
        "slug": "complete-web-development-bootcamp-2026-2",
        "status": "draft",
        "thumbnail": None,
        "sections_count": 1,
        "lessons_count": 1,
    },
    response_only=True,
    status_codes=["201"],
)
SYNTAX_FAULT = OpenApiExample(
    "Not JSON",
    value={
        "error": {
            "code": "COURSE_FILE_MALFORMED",
            "message": "The file is no readable course",
            "status": 400,
            "details": {
                "$": ["Not valid JSON: trailing comma is not allowed at line 2, column 15."]
            },
            "request_id": "019b76dc-0000-7000-8000-000000000000",
        }
    },
    response_only=True,
    status_codes=["400"],
)
FAULTS = OpenApiExample(
    "Faults by path",
    value={
        "error": {
            "code": "COURSE_FILE_INVALID",
            "message": "The course in the file is not acceptable",
            "status": 422,
            "details": {
                "$.category": ["There is no category with this slug."],
                "$.curriculum[2].lessons[0].duration_minutes": ["Must be at least 0."],
            },
            "request_id": "019b76dc-0000-7000-8000-000000000000",
        }
    },
    response_only=True,
    status_codes=["422"],
)
