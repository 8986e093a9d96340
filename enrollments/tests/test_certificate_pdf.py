"""The certificate's page: one, complete, within its frame, always the same, for any name."""

import datetime as dt
import io
import itertools
from dataclasses import replace
from decimal import Decimal

import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from enrollments.certificates import CertificateFacts, render_certificate
from enrollments.certificates.pdf import LIVE_AREA, lay_out, qr_modules

FACTS = CertificateFacts(
    student_name="Ada Lovelace",
    course_title="Analytical Engines in Practice",
    instructor_name="Charles Babbage",
    hours=Decimal("12.50"),
    issued_on=dt.date(2026, 1, 27),
    serial="LF-0000-1111-2222-3333",
    verify_url="https://api.learnflow.test/api/v1/certificates/LF-0000-1111-2222-3333/",
)


def read(pdf: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(pdf))


def test_it_states_the_facts_on_one_page() -> None:
    reader = read(render_certificate(FACTS))
    assert len(reader.pages) == 1
    box = reader.pages[0].mediabox
    assert box.width > box.height
    text = " ".join(reader.pages[0].extract_text().split())
    for fact in (FACTS.student_name, FACTS.course_title, FACTS.instructor_name, FACTS.serial):
        assert fact in text
    assert "27 January 2026" in text
    assert "12.5 hours" in text
    assert reader.metadata is not None
    assert FACTS.course_title in str(reader.metadata.title)


def test_equal_facts_give_equal_bytes_of_modest_size() -> None:
    once, again = render_certificate(FACTS), render_certificate(replace(FACTS))
    assert once == again
    assert len(once) < 150_000
    assert render_certificate(replace(FACTS, serial="LF-9999")) != once


def test_every_font_is_embedded() -> None:
    page = read(render_certificate(FACTS)).pages[0]
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]  # type: ignore[index]
    used = [font for font in fonts if font["/BaseFont"] != "/Helvetica"]
    assert used
    assert all("/FontFile2" in font["/FontDescriptor"] for font in used)


def test_the_qr_code_is_the_address() -> None:
    modules = qr_modules(FACTS.verify_url)
    assert len(modules) == len(modules[0])
    candidates = [
        segno.make(FACTS.verify_url, error=level, micro=False, boost_error=boost)
        for level in "lmqh"
        for boost in (True, False)
    ]
    drawn = tuple(tuple(bool(cell) for cell in row) for row in modules)
    matrices = [tuple(tuple(bool(c) for c in row) for row in code.matrix) for code in candidates]
    assert drawn in matrices


@pytest.mark.parametrize(
    "facts",
    [
        replace(FACTS, student_name="W" * 300),
        replace(FACTS, student_name="Maximiliana Konstantinopoulou-Featherstonehaugh " * 6),
        replace(FACTS, course_title="The Very Long Title of a Course " * 8),
        replace(FACTS, instructor_name="M" * 301, course_title="X" * 255),
        replace(FACTS, verify_url="https://example.test/" + "a" * 500),
    ],
    ids=["one long word", "long name", "long title", "long everything", "long address"],
)
def test_long_texts_stay_within_the_frame(facts: CertificateFacts) -> None:
    for placed in lay_out(facts).texts:
        bounds = placed.bounds
        assert bounds.x >= LIVE_AREA.x
        assert bounds.right <= LIVE_AREA.right
        assert bounds.y >= LIVE_AREA.y
        assert bounds.top <= LIVE_AREA.top
    assert len(read(render_certificate(facts)).pages) == 1


def test_the_body_never_overlaps_itself() -> None:
    layout = lay_out(replace(FACTS, student_name="W" * 300, course_title="Title " * 42))
    body = [layout.lead_in, layout.name, layout.statement, layout.title, layout.hours]
    for upper, lower in itertools.pairwise(body):
        assert upper.bounds.y >= lower.top


@pytest.mark.parametrize("name", ["Дмитрий Шостакович", "Νίκος Καζαντζάκης", "Łukasz Żółć-Ñandú"])
def test_european_names_are_set_and_found_again(name: str) -> None:
    text = read(render_certificate(replace(FACTS, student_name=name))).pages[0].extract_text()
    assert name in " ".join(text.split())


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=300))
def test_no_name_breaks_it(name: str) -> None:
    pdf = render_certificate(replace(FACTS, student_name=name))
    assert pdf.startswith(b"%PDF-")
