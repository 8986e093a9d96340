"""What the database checks at the commit."""

from django.db import connection


def check_constraints_now() -> None:
    """Let the database check now what it has put off to the commit, so that it isn't done under a
    lock that is taken next; what comes after is put off again. Raises IntegrityError, or what a
    trigger raises."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
