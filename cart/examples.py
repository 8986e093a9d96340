"""Examples for the schema."""

COURSE_ID = "019b76da-a800-7c3e-8f5d-3c1f0a5b7e21"
LINE = {
    "id": "019b76db-1b2c-7d4e-9a6f-5e2d1c0b9a87",
    "course": {
        "id": COURSE_ID,
        "title": "Complete Web Development Bootcamp 2026",
        "slug": "complete-web-development-bootcamp-2026",
        "price": 89.99,
        "original_price": 129.99,
        "thumbnail": "http://127.0.0.1:8000/media/course_thumbnails/web.png",
    },
    "added_at": "2026-01-27T10:00:00Z",
    "available": True,
    "unavailable_reason": None,
}
