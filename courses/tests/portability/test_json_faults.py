"""What is refused of a document, named by its place."""

from decimal import Decimal
from typing import Any

import pytest

from core.errors import Unavailable
from courses import portability
from courses.errors import CourseFileInvalid, CourseFileMalformed
from courses.portability import importing, parsing
from courses.portability.faults import MAX_FAULTS
from courses.portability.serializers import CourseDocumentSerializer, LessonDocumentSerializer
from courses.tests.portability.making import (
    as_json,
    faults_of,
    minimal,
)

pytestmark = pytest.mark.django_db


BAD_COURSES: list[tuple[str, list[Any]]] = [
    ("format", ["learnflow-course/2", None, 1]),
    ("title", ["", " \n", None, 5, "x" * 256, "a\x00b", {}]),
    ("slug", ["", "with space", "ü", "line\n", "x" * 256, None, 5, "import", "export",
              "019b76da-a800-7c3e-8f5d-3c1f0a5b7e21"]),
    ("short_description", ["x" * 501, None, 5, "\x00"]),
    ("description", ["x" * 50_001, None, []]),
    ("category", ["nowhere", "", 5, "\x00", "x" * 101]),
    ("level", ["", "Beginner", None, 5, []]),
    ("language", ["", " ", "x" * 51, None, 5]),
    ("currency", ["eur", "", None, 5]),
    ("price", [-0.01, 1.001, 100_000_000, "5", True, [], 1e-300]),
    ("original_price", [-1, 0.001, 100_000_000, "5", False]),
    ("preview_video_url", ["ftp://a.test/", "//a.test", "javascript:alert(1)", "x", 5,
                           None, f"https://a.test/{'x' * 500}", "https://a b.test/"]),
    ("outcomes", ["x", None, {}, [""], [None], ["x" * 501], ["x"] * 51, [["x"]]]),
    ("requirements", ["x", None, {}, [" "], [5], ["x"] * 51]),
    ("thumbnail", ["", "media/", "media/../a.png", "/a.png", "media/a.png", 5, "a.png"]),
    ("curriculum", [None, {}, "x", [None], [{}], [{"title": ""}],
                    [{"title": "x"}] * 101, [{"title": "x", "order": 1}],
                    [{"title": "x", "description": None}]]),
]  # fmt: skip
BAD_LESSONS: list[tuple[str, list[Any]]] = [
    ("title", ["", None, 5, "x" * 256]),
    ("description", [None, 5, "x" * 50_001]),
    ("video_url", ["x", "data:text/html,x", None, 5, f"https://a.test/{'x' * 500}"]),
    ("duration_minutes", [-1, 1441, 1.5, "5", None, True, 10**30]),
    ("is_preview", ["true", 1, None]),
    ("resources", [None, {}, [5], [{"title": "x"}], [{"url": "https://a.test"}],
                   [{"title": "", "url": "https://a.test"}],
                   [{"title": "x" * 201, "url": "https://a.test"}],
                   [{"title": "x", "url": ""}], [{"title": "x", "url": "javascript:x"}],
                   [{"title": "x", "url": "https://a.test", "more": 1}],
                   [{"title": "x", "url": "https://a.test"}] * 51]),
]  # fmt: skip


def test_no_field_is_left_out() -> None:
    assert {field for field, _ in BAD_COURSES} == set(CourseDocumentSerializer().fields)
    assert {field for field, _ in BAD_LESSONS} == set(LessonDocumentSerializer().fields)


class TestJSONFaults:
    @pytest.mark.parametrize(
        ("content", "where"),
        [
            (b"", "line 1, column 1"),
            (b"{", "line 1"),
            (b'{\n  "title": "x",\n}', "line 2, column 15"),
            (b'{\n "title": NaN}', "line 2, column 11"),
            (b'{"title": "\\ud800"}', "line 1"),
            (b'{"\\ud800": 1, "title": "\\ud83d\\ude00"}', "line 1"),
            (b'{"title": "\xff"}', "line 1"),
            (b"[" * 90_000, "line 1"),
            (b"\x00\x01", "line 1, column 1"),
            (b'{"a": 1} {', "line 1"),
            (b"1e999", "line 1"),
        ],
    )
    def test_by_line_and_column(self, content: bytes, where: str) -> None:
        faults = faults_of(content)
        assert faults["kind"] is CourseFileMalformed
        assert where in faults["$"][0]

    @pytest.mark.parametrize("unit", [b"{},", b"[],", b'{"":1},', b'"",'])
    def test_a_flood_of_values_is_refused_before_anything_is_made_of_it(
        self, unit: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(parsing, "json", None)
        monkeypatch.setattr(parsing, "orjson", None)
        faults = faults_of(b'{"curriculum":[' + unit * 200_000 + b"1]}")
        assert faults["$"] == ["Has more than 100000 values."]

    def test_a_course_is_parsed_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(parsing, "orjson", None)
        assert parsing.parse(b'\xef\xbb\xbf{"price": 0.1, "a, [b": "c"}') == {
            "price": Decimal("0.1"),
            "a, [b": "c",
        }

    def test_escaped_letters_beyond_the_first_plane(self) -> None:
        assert parsing.parse(b'{"title": "\\ud83c\\udf93"}') == {"title": "\U0001f393"}

    def test_who_waits_too_long_for_others_comes_back_later(self, settings: Any) -> None:
        settings.HEAVY_WAIT_SECONDS = 0
        with importing._gate.passed(), pytest.raises(Unavailable):
            portability.check_file(content=as_json(minimal()))

    def test_nesting_that_parsers_survive_differently(self) -> None:
        faults = faults_of(b"[" * 1010 + b"]" * 1010)
        assert faults["$"]

    def test_every_fault_at_once_by_its_path(self) -> None:
        document = minimal(
            title=" ",
            level="expert",
            price=-1,
            original_price=1.005,
            category="nowhere",
            preview_video_url="javascript:alert(1)",
            outcomes=["fine", 5, ""],
            slug="featured",
            currency="eur",
            thumbnail="../../etc/passwd",
            unknown=1,
            curriculum=[
                {"title": "One", "lessons": [{"title": "x", "resources": [{"title": "y"}]}]},
                {"title": "Two", "lessons": 5},
                {
                    "title": "Three",
                    "lessons": [{"title": "x" * 256, "duration_minutes": "long", "is_preview": 1}],
                },
                [],
            ],
        )
        faults = faults_of(as_json(document))
        assert faults.pop("kind") is CourseFileMalformed
        assert faults == {
            "$.title": ["Must not be empty."],
            "$.level": ["Must be one of beginner, intermediate, advanced."],
            "$.price": ["Must be at least 0."],
            "$.original_price": ["Must have at most two decimal places."],
            "$.category": ["There is no category with this slug."],
            "$.preview_video_url": ["Must be an http or https address, or empty."],
            "$.outcomes[1]": ["Must be a text."],
            "$.outcomes[2]": ["Must not be empty."],
            "$.slug": ["Is a reserved word."],
            "$.currency": ["Prices are in usd here."],
            "$.thumbnail": [
                "Must name a file in the ZIP's folder media, as media/thumbnail.webp.",
                "No such file came with the course.",
            ],
            "$.unknown": ["Is not known."],
            "$.curriculum[0].lessons[0].resources[0].url": ["Is required."],
            "$.curriculum[1].lessons": ["Must be a list."],
            "$.curriculum[2].lessons[0].title": ["Must have at most 255 characters."],
            "$.curriculum[2].lessons[0].duration_minutes": ["Must be a whole number."],
            "$.curriculum[2].lessons[0].is_preview": ["Must be true or false."],
            "$.curriculum[3]": ["Must be an object."],
        }

    @pytest.mark.parametrize("document", [None, [], 5, "text", True])
    def test_no_object(self, document: Any) -> None:
        assert faults_of(as_json(document))["$"] == ["Must be an object."]

    @pytest.mark.parametrize(("field", "bad"), BAD_COURSES)
    def test_each_field(self, field: str, bad: list[Any]) -> None:
        for value in bad:
            faults = faults_of(as_json(minimal(**{field: value})))
            named = [path for path in faults if path.startswith(f"$.{field}")]
            assert named, (value, faults)
            assert len(faults) == len(named) + 1, (value, faults)

    @pytest.mark.parametrize(("field", "bad"), BAD_LESSONS)
    def test_each_field_of_a_lesson(self, field: str, bad: list[Any]) -> None:
        start = f"$.curriculum[0].lessons[1].{field}"
        for value in bad:
            lessons = [{"title": "fine"}, {"title": "x", field: value}]
            document = minimal(curriculum=[{"title": "x", "lessons": lessons}])
            faults = faults_of(as_json(document))
            assert any(path.startswith(start) for path in faults), (value, faults)

    def test_prices_that_contradict_each_other(self) -> None:
        faults = faults_of(as_json(minimal(price=10, original_price=9.99)))
        assert faults["$.original_price"] == ["Must not be below the price."]
        assert faults["kind"] is CourseFileInvalid

    def test_a_price_that_nobody_could_pay(self) -> None:
        faults = faults_of(as_json(minimal(price=1_000_000)))
        assert "999,999.99" in faults["$.price"][0]
        faults = faults_of(as_json(minimal(price=0.10)))
        assert "at least 0.50" in faults["$.price"][0]

    def test_names_given_twice(self) -> None:
        content = b"""{"format": "learnflow-course/1", "title": "a", "title": "b",
            "curriculum": [{"title": "x", "lessons": [], "lessons": []}]}"""
        faults = faults_of(content)
        assert faults["$.title"] == ["Is there more than once."]
        assert faults["$.curriculum[0].lessons"] == ["Is there more than once."]

    def test_a_hostile_name_is_repeated_in_part_only(self) -> None:
        faults = faults_of(as_json(minimal(**{"x\n\u202e" + "y" * 10_000: 1})))
        path = next(path for path in faults if path.startswith("$["))
        assert len(path) < 100
        assert path.isprintable()

    def test_thousands_of_faults_are_named_in_part(self) -> None:
        sections = [{"title": "x", "lessons": [5] * 200}] * 50
        faults = faults_of(as_json(minimal(curriculum=sections)))
        assert faults["..."]
        assert len(faults) == MAX_FAULTS + 2

    @pytest.mark.parametrize(
        "document",
        [
            minimal(outcomes=["x"] * 100_001),
            minimal(curriculum=[{"title": "x", "lessons": [{"title": "x"}] * 201}]),
            minimal(curriculum=[{"title": "x", "lessons": [{"title": "x"}] * 200}] * 26),
            minimal(**{f"x{number}": 1 for number in range(100_001)}),
            [[[]] * 200] * 600,
        ],
        ids=["values", "lessons", "all lessons", "names", "nested"],
    )
    def test_huge_counts(self, document: Any) -> None:
        faults = faults_of(as_json(document))
        said = " ".join(text for texts in faults.values() if isinstance(texts, list)
                        for text in texts)  # fmt: skip
        assert "at most" in said or "more than" in said

    def test_too_many_bytes(self, settings: Any) -> None:
        settings.COURSE_FILE_MAX_BYTES = 1024 * 1024
        assert "larger than 1 MiB" in faults_of(b" " * (1024 * 1024 + 1))["$"][0]
