"""Django's schema editor, whose concurrent work may be cut short and done again."""

from typing import Any

from django.db.backends.postgresql import schema

_IS_VALID = """
SELECT bool_and(indisvalid AND indisready) FROM pg_index
JOIN pg_class ON pg_class.oid = indexrelid
WHERE relname = %s AND pg_table_is_visible(indrelid)
"""


class SchemaEditor(schema.DatabaseSchemaEditor):
    """What a migration changes the schema with."""

    def add_index(self, model: Any, index: Any, concurrently: bool = False) -> None:
        """Make an index. One that is built concurrently is built outside a transaction: a migration
        that is killed leaves it whole but not noted down, or unfinished and of no use to anybody.
        So the first is left as it is, and the second is made anew.
        """
        if concurrently and not self.collect_sql:
            is_valid = self._is_valid(index.name)
            if is_valid:
                return
            if is_valid is False:
                self.remove_index(model, index, concurrently=True)
        super().add_index(model, index, concurrently=concurrently)

    def _is_valid(self, name: str) -> bool | None:
        """Whether the index of that name can be used; None if there is none."""
        with self.connection.cursor() as cursor:
            cursor.execute(_IS_VALID, [name])
            (answer,) = cursor.fetchone()
        return None if answer is None else bool(answer)
