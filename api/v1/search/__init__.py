"""Search over courses, instructors and categories (plan 4.10), suggestions, popular searches."""
