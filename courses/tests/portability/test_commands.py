"""Import and export at the shell."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from courses.models import Course
from courses.tests.portability.making import (
    as_json,
    everything,
    minimal,
)
from tests.factories import (
    UserFactory,
    make_course,
)
from users.models import User

pytestmark = pytest.mark.django_db


class TestCommands:
    def test_out_and_in(
        self, tmp_path: Path, teacher: User, capsys: pytest.CaptureFixture[str]
    ) -> None:
        course = make_course()
        file = tmp_path / "course.zip"
        call_command("export_course", course.slug, output=file)
        assert str(file) in capsys.readouterr().out
        call_command("import_course", str(file), check=True)
        assert "no faults" in capsys.readouterr().out
        call_command("import_course", str(file), instructor=teacher.email.upper())
        copy = Course.objects.get(instructor=teacher)
        assert (copy.title, copy.slug) == (course.title, f"{course.slug}-2")
        assert f"{course.slug}-2" in capsys.readouterr().out

    def test_the_name_is_the_slug(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        course = make_course()
        call_command("export_course", str(course.id), "--format", "json")
        assert json.loads((tmp_path / f"{course.slug}.json").read_bytes())["title"] == course.title

    def test_refusals(self, tmp_path: Path, teacher: User) -> None:
        file = tmp_path / "bad.json"
        file.write_bytes(as_json(minimal(price=-1, level="expert")))
        before = everything()
        calls: list[tuple[Callable[[], object], str]] = [
            (lambda: call_command("import_course", str(file), instructor=teacher.email),
             "  $.price: Must be at least 0."),
            (lambda: call_command("import_course", str(file), check=True), "  $.level: Must be"),
            (lambda: call_command("import_course", str(file), instructor="x@y.test"), "nobody"),
            (lambda: call_command("import_course", "missing.json", check=True), "Can't read"),
            (lambda: call_command("export_course", "missing"), "does not exist"),
            (lambda: call_command("export_course", make_course().slug, output=tmp_path),
             "Can't write"),
        ]  # fmt: skip
        for call, text in calls[:5]:
            with pytest.raises(CommandError, match=text.replace("$", r"\$")):
                call()
        assert everything() == before
        with pytest.raises(CommandError, match=calls[5][1]):
            calls[5][0]()

    def test_a_learner_gets_no_course(self, tmp_path: Path) -> None:
        file = tmp_path / "good.json"
        file.write_bytes(as_json(minimal()))
        with pytest.raises(CommandError, match="Only instructors"):
            call_command("import_course", str(file), instructor=UserFactory.create().email)
