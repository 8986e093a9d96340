"""What landed stays as it is, and no new migration does what the version before can't survive."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
)
from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState
from django.db.models.functions import Abs

from devtools.upgrades.landed import HistoryMissingError, Landed, LandedEditedError
from devtools.upgrades.previous import SHORT_SAMPLE, run_previous
from devtools.upgrades.rules import find_faults, find_in_migration

ROOT = Path(settings.BASE_DIR)


def landed_state() -> ProjectState:
    shelf = ModelState("shop", "Shelf", [("id", models.BigAutoField(primary_key=True))])
    book = ModelState(
        "shop",
        "Book",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("title", models.CharField(max_length=50)),
            ("note", models.TextField(null=True)),
            ("pages", models.IntegerField(default=0, db_default=0)),
        ],
        options={"indexes": [models.Index(fields=["title"], name="by_title")]},
    )
    return ProjectState({("shop", "shelf"): shelf, ("shop", "book"): book})


def judge(*operations: Operation, reason: str = "") -> list[str]:
    migration: Any = migrations.Migration("0002_new", "shop")
    migration.operations = [*operations]
    migration.harmless = reason
    return find_in_migration(migration, landed_state(), landed_state())


def add(field: Any) -> Operation:
    return migrations.AddField("book", "added", field)


def alter(name: str, field: Any) -> Operation:
    return migrations.AlterField("book", name, field)


UNIQUE = models.UniqueConstraint(fields=["title"], name="one_title")
CHECK = models.CheckConstraint(condition=models.Q(pages__gte=0), name="pages_positive")
REFUSED = {
    "column that the version before doesn't fill": add(models.TextField(default="")),
    "column with an index": add(models.IntegerField(null=True, db_index=True)),
    "reference with an index": add(models.ForeignKey("shop.Shelf", models.CASCADE, null=True)),
    "unique column": add(models.UUIDField(null=True, unique=True)),
    "computed column": add(
        models.GeneratedField(
            expression=Abs("pages"), output_field=models.IntegerField(), db_persist=True
        )
    ),
    "column taken away": migrations.RemoveField("book", "note"),
    "column renamed": migrations.RenameField("book", "note", "remark"),
    "table renamed": migrations.RenameModel("Book", "Volume"),
    "table moved": migrations.AlterModelTable("book", "volumes"),
    "table taken away": migrations.DeleteModel("Book"),
    "other type": alter("pages", models.TextField(default="", db_default="")),
    "shorter text": alter("title", models.CharField(max_length=20)),
    "null no more": alter("note", models.TextField(default="", db_default="")),
    "default no more": alter("pages", models.IntegerField(default=0)),
    "index by alteration": alter("title", models.CharField(max_length=50, db_index=True)),
    "index under a lock": migrations.AddIndex("book", models.Index(fields=["pages"], name="x")),
    "index dropped under a lock": migrations.RemoveIndex("book", "by_title"),
    "unique constraint": migrations.AddConstraint("book", UNIQUE),
    "check that is validated at once": migrations.AddConstraint("book", CHECK),
    "unique together": migrations.AlterUniqueTogether("book", {("title", "pages")}),
    "index in SQL": migrations.RunSQL("CREATE INDEX x ON shop_book (pages)"),
    "column taken away in SQL": migrations.RunSQL(["SELECT 1", "ALTER TABLE b DROP COLUMN c"]),
    "not null in SQL": migrations.RunSQL([("ALTER TABLE b ALTER c SET NOT NULL", None)]),
    "constraint in SQL": migrations.RunSQL("ALTER TABLE b ADD CONSTRAINT c CHECK (d > 0)"),
    "column in SQL that nobody fills": migrations.RunSQL("ALTER TABLE b ADD COLUMN c int NOT NULL"),
    "one without the word": migrations.RunSQL("alter table b add c integer not null"),
    "one with an index": migrations.RunSQL("ALTER TABLE b ADD c integer UNIQUE"),
    "one that refers": migrations.RunSQL("ALTER TABLE b ADD c integer REFERENCES d"),
    "one that is computed": migrations.RunSQL(
        "ALTER TABLE b ADD c integer GENERATED ALWAYS AS (d + 1) STORED"
    ),
    "one with a default for each row": migrations.RunSQL(
        "ALTER TABLE b ADD c uuid DEFAULT gen_random_uuid() NOT NULL"
    ),
    "one after another": migrations.RunSQL("ALTER TABLE b ADD c text, ADD d text NOT NULL"),
    "one in a later statement": migrations.RunSQL("SET lock_timeout = 9; ALTER TABLE b DROP c"),
    "check without a name": migrations.RunSQL("ALTER TABLE b ADD CHECK (d > 0)"),
    "unique without a name": migrations.RunSQL("ALTER TABLE b ADD UNIQUE (d)"),
    "constraint before one for new rows": migrations.RunSQL(
        "ALTER TABLE b ADD CONSTRAINT c CHECK (d > 0);"
        "ALTER TABLE b ADD CONSTRAINT e CHECK (f > 0) NOT VALID"
    ),
    "constraint in one statement with it": migrations.RunSQL(
        "ALTER TABLE b ADD CONSTRAINT c CHECK (d > 0), ADD CHECK (f IN (1, 2)) NOT VALID"
    ),
    "constraint that a comment calls not valid": migrations.RunSQL(
        "ALTER TABLE b ADD CHECK (d > 0) -- NOT VALID"
    ),
    "default no more in SQL": migrations.RunSQL("ALTER TABLE b ALTER c DROP DEFAULT"),
    "column taken away without the word": migrations.RunSQL("ALTER TABLE b DROP c"),
    "other type in SQL": migrations.RunSQL("ALTER TABLE b ALTER c TYPE integer"),
    "table renamed in SQL": migrations.RunSQL('ALTER TABLE IF EXISTS ONLY "b" RENAME TO c'),
    "trigger": migrations.RunSQL(
        "CREATE TRIGGER t BEFORE INSERT ON shop_book FOR EACH ROW EXECUTE FUNCTION f()"
    ),
    "function that is there already": migrations.RunSQL(
        "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$"
    ),
    "rows changed in SQL": migrations.RunSQL(["UPDATE shop_book SET pages = 1"]),
    "block of code": migrations.RunSQL("DO $$ BEGIN EXECUTE 'DROP TABLE b'; END $$"),
    "code": migrations.RunPython(migrations.RunPython.noop),
    "column hidden in state and database": migrations.SeparateDatabaseAndState(
        database_operations=[migrations.RunSQL("ALTER TABLE shop_book ADD c integer NOT NULL")],
        state_operations=[add(models.IntegerField())],
    ),
    "hidden in state and database": migrations.SeparateDatabaseAndState(
        database_operations=[migrations.RunSQL("DROP TABLE shop_book")]
    ),
}
ALLOWED = {
    "column with a default of the database": add(models.TextField(default="", db_default="")),
    "column that may be null": add(models.TextField(null=True)),
    "reference without an index": add(
        models.ForeignKey("shop.Shelf", models.CASCADE, null=True, db_index=False)
    ),
    "many to many": add(models.ManyToManyField("shop.Shelf")),
    "longer text": alter("title", models.CharField(max_length=500)),
    "no limit": alter("title", models.TextField()),
    "default of the database": alter("title", models.CharField(max_length=50, db_default="")),
    "other choices": alter("title", models.CharField(max_length=50, choices=[("a", "b")])),
    "index beside the writers": AddIndexConcurrently(
        "book", models.Index(fields=["pages"], name="x")
    ),
    "index dropped beside them": RemoveIndexConcurrently("book", "by_title"),
    "check for new rows": AddConstraintNotValid("book", CHECK),
    "constraint taken away": migrations.RunSQL("ALTER TABLE b DROP CONSTRAINT c"),
    "index in SQL beside the writers": migrations.RunSQL("CREATE INDEX CONCURRENTLY x ON b (c)"),
    "constraint in SQL for new rows": migrations.RunSQL(
        "ALTER TABLE b ADD CONSTRAINT c CHECK (d > 0) NOT VALID"
    ),
    "several of them": migrations.RunSQL(
        [
            "ALTER TABLE b ADD CHECK (d > 0) NOT VALID, ADD CHECK (e IN (',;', 'x')) NOT VALID;;",
            ("ALTER TABLE b VALIDATE CONSTRAINT c; -- DROP TABLE b;", None),
        ]
    ),
    "columns in SQL": migrations.RunSQL(
        "ALTER TABLE b ADD COLUMN IF NOT EXISTS c numeric(10, 2) NULL,\n ADD d text,"
        " ADD COLUMN e varchar(9) DEFAULT 'it''s' NOT NULL, ALTER f SET DEFAULT now()"
    ),
    "new function": migrations.RunSQL(
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $x$ DROP TABLE b; UPDATE c $x$;"
    ),
}


@pytest.mark.parametrize("operation", REFUSED.values(), ids=REFUSED)
def test_what_the_version_before_would_not_survive_is_refused(operation: Operation) -> None:
    assert judge(operation)


@pytest.mark.parametrize("operation", REFUSED.values(), ids=REFUSED)
def test_unless_the_migration_says_why_it_does_no_harm(operation: Operation) -> None:
    assert judge(operation, reason="short")
    assert judge(operation, reason="Nothing has read this table since version 3.") == []


@pytest.mark.parametrize("operation", ALLOWED.values(), ids=ALLOWED)
def test_what_it_survives_is_not(operation: Operation) -> None:
    assert judge(operation) == []


def test_on_a_table_that_nobody_has_yet_everything_is_allowed() -> None:
    key = models.BigAutoField(primary_key=True)
    assert (
        judge(
            migrations.CreateModel(
                "Fresh", [("id", key), ("name", models.CharField(max_length=5))]
            ),
            migrations.AddField("fresh", "more", models.TextField(default="")),
            migrations.AddIndex("fresh", models.Index(fields=["name"], name="fresh_name")),
            migrations.RemoveField("fresh", "name"),
            migrations.RunSQL(
                [
                    "ALTER TABLE shop_fresh ADD c integer NOT NULL, ADD UNIQUE (c)",
                    'CREATE INDEX by_c ON "shop_fresh" (c)',
                    "CREATE TRIGGER t AFTER INSERT ON shop_fresh EXECUTE FUNCTION f()",
                ]
            ),
        )
        == []
    )


def test_the_migrations_of_this_tree_hold_to_it() -> None:
    landed = Landed.read(ROOT)
    assert landed.find_edited(ROOT) == []
    assert find_faults(ROOT, landed) == []


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a migration that has landed."""
    if shutil.which("git") is None:
        pytest.skip("there is no git here")
    run(tmp_path, "init", "--quiet")
    run(tmp_path, "config", "user.name", "Somebody")
    run(tmp_path, "config", "user.email", "somebody@learnflow.test")
    for folder in ("devtools/upgrades", "shop/migrations"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "shop/migrations/0001_initial.py").write_text("# as it landed, é\n")
    run(tmp_path, "add", "-A")
    run(tmp_path, "commit", "--quiet", "--message", "First")
    Landed.at_revision(tmp_path, "HEAD").write(tmp_path)
    return tmp_path


def run(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True)


def test_an_edited_and_a_deleted_migration_are_found(repository: Path) -> None:
    landed, path = Landed.read(repository), repository / "shop/migrations/0001_initial.py"
    assert list(landed.hashes) == ["shop/migrations/0001_initial.py"]
    assert landed.find_edited(repository) == []
    path.write_text("# mended in silence\n")
    assert "was edited" in landed.find_edited(repository)[0]
    path.unlink()
    assert "is gone" in landed.find_edited(repository)[0]


def test_what_has_landed_can_only_grow(repository: Path) -> None:
    (repository / "shop/migrations/0002_more.py").write_text("# more\n")
    run(repository, "add", "-A")
    run(repository, "commit", "--quiet", "--message", "Second")
    Landed.at_revision(repository, "HEAD").write(repository)
    assert len(Landed.read(repository).hashes) == 2
    (repository / "shop/migrations/0001_initial.py").write_text("# mended in silence\n")
    run(repository, "commit", "--quiet", "--all", "--message", "Third")
    with pytest.raises(LandedEditedError, match="0001_initial"):
        Landed.at_revision(repository, "HEAD")


def test_history_that_is_not_here_is_said_in_words(repository: Path) -> None:
    with pytest.raises(HistoryMissingError, match="git fetch --unshallow"):
        Landed.at_revision(repository, "0" * 40)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_version_before_works_on_the_newest_schema() -> None:
    assert "DATABASE_URL" in os.environ
    try:
        status = run_previous(ROOT, tests=SHORT_SAMPLE)
    except HistoryMissingError as missing:
        pytest.skip(str(missing))
    assert status == 0
