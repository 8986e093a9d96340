"""Writes who teaches what is sold: `python -m benchmarks.books_people INSTRUCTORS COURSES_EACH`."""

import sys
from decimal import Decimal

from devtools.printable import be_printable


def main(instructors: int, courses_each: int) -> None:
    """Write them into the database of the settings, and somebody who may see everything."""
    import django

    django.setup()
    from tests.factories import InstructorFactory, StaffFactory, make_course

    StaffFactory.create(email="staff@example.com", is_superuser=True)
    for _ in range(instructors):
        teacher = InstructorFactory.create()
        for place in range(courses_each):
            make_course(instructor=teacher, price=Decimal("39.99") + 10 * place)


if __name__ == "__main__":
    be_printable()
    main(int(sys.argv[1]), int(sys.argv[2]))
