"""The plan's example answers (section 4), and a comparison of a real answer with one of them.

An example stands for names, nesting and JSON types. `Nullable(x)` may also be null where the plan
shows a value (a picture nobody uploaded); more fields may stand beside the plan's.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Nullable:
    """The plan shows a value; null is possible, too."""

    example: Any


PERSON = {"id": "uuid", "first_name": "Angela", "last_name": "Yu"}

PROFILE = {
    "bio": "Software developer",
    "profile_picture": Nullable("https://..."),
    "phone": "+1234567890",
    "country": "USA",
    "timezone": "America/Los_Angeles",
    "total_hours_learned": 248,
    "courses_completed": 5,
    "current_streak_days": 15,
    "certificates_earned": 5,
    "last_activity": Nullable("2026-01-27T10:00:00Z"),
}

CARD = {
    "id": "uuid",
    "title": "Complete Web Development Bootcamp 2026",
    "slug": "complete-web-development-bootcamp-2026",
    "instructor": PERSON,
    "thumbnail": Nullable("https://..."),
    "rating": 4.8,
    "rating_count": 45280,
    "student_count": 234567,
    "duration_hours": 52,
    "level": "beginner",
    "price": 89.99,
    "original_price": Nullable(129.99),
    "discount_percent": 30,
    "category": "Development",
    "is_bestseller": True,
    "is_new": False,
    "enrolled": False,
    "in_cart": False,
    "in_wishlist": False,
}

PAGE = {
    "count": 1234,
    "next": Nullable("https://api.learnflow.com/api/v1/courses/?page=2"),
    "previous": Nullable("https://api.learnflow.com/api/v1/courses/?page=1"),
    "total_pages": 62,
    "current_page": 1,
}

REVIEW_ANSWER = {
    "id": "uuid",
    "rating": 5,
    "title": "Amazing course",
    "comment": "The instructor explains everything clearly",
    "helpful_count": 0,
    "created_at": "2026-01-27T10:00:00Z",
}

ORDER_ITEM = {
    "id": "uuid",
    "course": {"id": "uuid", "title": "Complete Web Development Bootcamp 2026"},
    "price_at_purchase": 89.99,
}

ENROLLMENT = {
    "id": "uuid",
    "progress_percent": 45,
    "lessons_completed": 18,
    "total_lessons": 40,
    "enrolled_at": "2025-06-15T10:00:00Z",
    "is_completed": False,
    "certificate_url": Nullable("https://..."),
}

SHAPES: dict[str, Any] = {
    "POST /auth/register/": {
        **PERSON,
        "email": "user@example.com",
        "access_token": "eyJ0eXAiOiJKV1Qi",
        "refresh_token": "eyJ0eXAiOiJKV1Qi",
    },
    "POST /auth/login/": {
        "access_token": "eyJ0eXAiOiJKV1Qi",
        "refresh_token": "eyJ0eXAiOiJKV1Qi",
        "user": {**PERSON, "email": "user@example.com", "is_instructor": False},
    },
    "POST /auth/refresh/": {"access": "eyJ0eXAiOiJKV1Qi", "refresh": "eyJ0eXAiOiJKV1Qi"},
    "POST /auth/logout/": {"message": "Successfully logged out"},
    "GET /auth/me/": {
        **PERSON,
        "email": "user@example.com",
        "is_instructor": False,
        "profile": {
            key: PROFILE[key]
            for key in (
                "bio", "profile_picture", "country", "total_hours_learned", "courses_completed",
                "current_streak_days",
            )
        },
    },
    "GET /courses/": {**PAGE, "results": [CARD]},
    "GET /courses/{id}/": {
        **{key: CARD[key] for key in CARD if key not in {"instructor", "is_new"}},
        "description": "Learn web development from scratch...",
        "short_description": "From Zero to Full-Stack Developer",
        "instructor": {
            **PERSON,
            "profile": {
                "bio": "10+ years of teaching experience",
                "profile_picture": Nullable("https://..."),
                "courses_count": 12,
                "students_count": 523456,
                "rating": 4.8,
            },
        },
        "preview_video_url": Nullable("https://..."),
        "review_count": 45280,
        "language": "English",
        "last_updated": "2026-01-27T10:00:00Z",
        "is_published": True,
        "outcomes": ["Build 16+ real-world projects"],
        "requirements": ["No programming experience needed"],
        "curriculum": [
            {
                "id": "uuid",
                "title": "Introduction to Web Development",
                "description": "Get started with the fundamentals",
                "order": 1,
                "total_lessons": 12,
                "total_duration_minutes": 120,
                "lessons": [
                    {
                        "id": "uuid",
                        "title": "What is Web Development?",
                        "duration_minutes": 10,
                        "order": 1,
                        "is_preview": True,
                        "video_url": Nullable("https://..."),
                        "completed": False,
                    }
                ],
            }
        ],
        "reviews": {
            "count": 45280,
            "rating": 4.8,
            "distribution": {"5": 35000, "4": 8000, "3": 1500, "2": 500, "1": 280},
            "recent": [
                {
                    "id": "uuid",
                    "author": "John Smith",
                    "avatar": Nullable("https://..."),
                    "rating": 5,
                    "date": "2 days ago",
                    "comment": "Absolutely fantastic course!",
                    "helpful_count": 234,
                }
            ],
        },
        "progress": Nullable(
            {
                "enrollment_id": "uuid",
                "progress_percent": 45,
                "lessons_completed": 18,
                "total_lessons": 40,
            }
        ),
    },
    "GET /courses/{id}/reviews/": {
        **PAGE,
        "results": [
            {
                **REVIEW_ANSWER,
                "author": {**PERSON, "avatar": Nullable("https://...")},
            }
        ],
    },
    "POST /courses/{id}/reviews/": REVIEW_ANSWER,
    "GET /courses/related/{id}/": {"results": [CARD]},
    "GET /cart/": {
        "id": "uuid",
        "items": [
            {
                "id": "uuid",
                "course": {
                    key: CARD[key]
                    for key in ("id", "title", "price", "original_price", "thumbnail")
                },
                "added_at": "2026-01-27T10:00:00Z",
            }
        ],
        "total_items": 2,
        "total_price": 169.98,
        "total_original_price": 249.98,
        "total_discount": 80.00,
        "currency": "usd",
    },
    "POST /cart/items/": {
        "id": "uuid",
        "course": {key: CARD[key] for key in ("id", "title", "price")},
        "added_at": "2026-01-27T10:00:00Z",
    },
    "GET /orders/": {
        **PAGE,
        "results": [
            {
                "id": "uuid",
                "order_number": "ORD-2026-00001",
                "status": "completed",
                "created_at": "2026-01-27T10:00:00Z",
                "completed_at": Nullable("2026-01-27T10:05:00Z"),
                "total_amount": 169.98,
                "currency": "usd",
                "items_count": 2,
                "items": [ORDER_ITEM],
            }
        ],
    },
    "GET /orders/{id}/": {
        "id": "uuid",
        "order_number": "ORD-2026-00001",
        "status": "completed",
        "subtotal": 169.98,
        "discount_amount": 0,
        "total_amount": 169.98,
        "currency": "usd",
        "created_at": "2026-01-27T10:00:00Z",
        "completed_at": "2026-01-27T10:05:00Z",
        "items": [ORDER_ITEM],
        "payment": {"method": "stripe", "status": "succeeded", "transaction_id": "ch_xxxxx"},
    },
    "POST /orders/create-from-cart/": {
        "id": "uuid",
        "order_number": "ORD-2026-00001",
        "status": "pending",
        "total_amount": 169.98,
        "currency": "usd",
        "items": [ORDER_ITEM],
    },
    "POST /payments/create-payment-intent/": {
        "client_secret": "pi_xxxxx_secret_xxxxx",
        "publishable_key": "pk_live_xxxxx",
        "amount": 16998,
        "currency": "usd",
    },
    "POST /payments/confirm-payment/": {
        "order_id": "uuid",
        "status": "succeeded",
        "message": "Payment processed successfully",
    },
    "GET /enrollments/": {
        **PAGE,
        "results": [
            {
                **ENROLLMENT,
                "course": {
                    key: CARD[key] for key in ("id", "title", "thumbnail", "duration_hours")
                },
            }
        ],
    },
    "GET /enrollments/{id}/": {
        **ENROLLMENT,
        "course": {
            "id": "uuid",
            "title": "Complete Web Development Bootcamp 2026",
            "instructor": PERSON,
            "curriculum": [
                {
                    "id": "uuid",
                    "title": "Introduction to Web Development",
                    "lessons": [
                        {
                            "id": "uuid",
                            "title": "What is Web Development?",
                            "completed": False,
                            "watch_time_seconds": 0,
                            "duration_minutes": 10,
                        }
                    ],
                }
            ],
        },
    },
    "POST /courses/{id}/enroll/": {
        "id": "uuid",
        "course_id": "uuid",
        "enrolled_at": "2026-01-27T10:00:00Z",
        "progress_percent": 0,
        "is_completed": False,
    },
    "POST /enrollments/{id}/mark-lesson-complete/": {
        "lesson_id": "uuid",
        "enrollment_id": "uuid",
        "is_completed": True,
        "enrollment_progress": 45,
    },
    "GET /dashboard/stats/": {
        "courses_enrolled": 12,
        "courses_completed": 5,
        "total_hours_learned": 248,
        "current_streak_days": 15,
        "average_rating_given": Nullable(4.6),
        "certificates_earned": 5,
    },
    "GET /dashboard/continue-learning/": {
        "results": [
            {
                "enrollment_id": "uuid",
                "course": {
                    "id": "uuid",
                    "title": "Complete Web Development Bootcamp 2026",
                    "thumbnail": Nullable("https://..."),
                    "instructor": "Dr. Angela Yu",
                },
                "progress_percent": 45,
                "lessons_completed": 18,
                "total_lessons": 40,
                "current_lesson": {"id": "uuid", "title": "JavaScript Fundamentals", "order": 15},
            }
        ]
    },
    "GET /dashboard/recommendations/": {"results": [{**CARD, "reason": "Because you learn …"}]},
    "GET /users/profile/": {**PERSON, "email": "user@example.com", "profile": PROFILE},
    "PUT /users/profile/": {**PERSON, "profile": PROFILE},
    "PUT /users/change-password/": {"message": "Password changed successfully"},
    "GET /search/": {
        "courses": {"count": 234, "results": [CARD]},
        "instructors": {"count": 12, "results": [PERSON]},
        "categories": {"count": 1, "results": [{"id": "uuid", "name": "x", "slug": "x"}]},
    },
    "GET /categories/": {
        "results": [
            {
                "id": "uuid",
                "name": "Development",
                "slug": "development",
                "icon": "BookOpen",
                "course_count": 1234,
            }
        ]
    },
    "GET /health/": {
        "status": "healthy",
        "database": "ok",
        "cache": "ok",
        "timestamp": "2026-01-27T10:00:00Z",
    },
}  # fmt: skip


def differences(example: Any, answer: Any, where: str = "") -> list[str]:
    """Return what in the answer isn't as in the example: missing names, other JSON types."""
    if isinstance(example, Nullable):
        return [] if answer is None else differences(example.example, answer, where)
    if isinstance(example, dict):
        return _of_object(example, answer, where)
    if isinstance(example, list):
        if not isinstance(answer, list) or not answer:
            return [f"{where}: not a filled list but {answer!r}"]
        found = [differences(example[0], item, f"{where}[{i}]") for i, item in enumerate(answer)]
        return [line for lines in found for line in lines]
    return [] if _json_type(example) == _json_type(answer) else [f"{where}: {answer!r}"]


def _of_object(example: dict[str, Any], answer: Any, where: str) -> list[str]:
    if not isinstance(answer, dict):
        return [f"{where}: not an object but {answer!r}"]
    found = [f"{where}.{name} is missing" for name in example if name not in answer]
    for name in example.keys() & answer.keys():
        found += differences(example[name], answer[name], f"{where}.{name}")
    return found


def _json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else type(value).__name__
