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
from pypdf.generic import ContentStream

from core.typesetting.faces import ITALIC, Face, glyphs_of
from core.typesetting.layout import clean, single_line
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


def dark_modules(pdf: bytes, size: int) -> tuple[tuple[bool, ...], ...]:
    """The QR code of `size` x `size` modules as the page paints it, rebuilt from its rectangles."""
    page = read(pdf).pages[0]
    paths: list[list[list[float]]] = [[]]
    for operands, operator in ContentStream(page.get_contents(), page.pdf).operations:
        if operator == b"re":
            paths[-1].append([float(number) for number in operands])
        elif operator in (b"f", b"f*", b"S", b"B", b"n"):
            paths.append([])
    code = max(paths, key=len)
    left, bottom = min(r[0] for r in code), min(r[1] for r in code)
    side = (max(r[0] + r[2] for r in code) - left) / size
    painted = {
        (size - 1 - round((y - bottom) / side), round((x - left) / side) + column)
        for x, y, width, height in code
        for column in range(round(width / side))
    }
    return tuple(tuple((row, column) in painted for column in range(size)) for row in range(size))


def test_the_page_paints_the_qr_code_of_the_address() -> None:
    modules = tuple(
        tuple(bool(cell) for cell in row)
        for row in segno.make_qr(FACTS.verify_url, error="m").matrix
    )
    assert dark_modules(render_certificate(FACTS), len(modules)) == modules
    assert qr_modules(FACTS.verify_url) == modules


def test_the_address_can_be_clicked() -> None:
    annotations = read(render_certificate(FACTS)).pages[0].annotations
    assert annotations is not None
    (annotation,) = annotations
    assert annotation.get_object()["/A"]["/URI"] == FACTS.verify_url
    for odd in ("javascript:alert(1)", "learnflow.test/LF-1"):
        unlinked = render_certificate(replace(FACTS, verify_url=odd))
        assert not read(unlinked).pages[0].annotations


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


@settings(max_examples=30)
@given(st.text(max_size=300))
def test_no_name_breaks_it(name: str) -> None:
    pdf = render_certificate(replace(FACTS, student_name=name))
    assert pdf.startswith(b"%PDF-")


def test_equal_facts_give_equal_bytes_whatever_was_made_between() -> None:
    before = render_certificate(FACTS)
    render_certificate(replace(FACTS, student_name="Юрий Ωμέγα 山田", course_title="გამარჯობა"))
    assert render_certificate(FACTS) == before


def test_control_characters_and_line_breaks_vanish() -> None:
    assert clean("  Ada\x00 \u202e\nKing\ud800\u200b\tLovelace ") == "Ada King Lovelace"
    assert clean("e\u0301") == "é"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Learn \N{ROCKET} Python", "Learn Python"),
        ("Learn \N{ROCKET} \N{ROCKET} Python", "Learn Python"),
        ("\N{DEVANAGARI LETTER KA}a", "\N{REPLACEMENT CHARACTER}a"),
    ],
    ids=["symbol", "symbols", "letter"],
)
def test_what_no_font_has_is_left_out_or_replaced(text: str, shown: str) -> None:
    assert single_line(text, Face.UPRIGHT).text == shown


def test_a_text_is_set_in_one_font_where_one_has_it_all() -> None:
    assert {glyph.font for glyph in glyphs_of("Αθηνά Łucja Юля", Face.SLANTED)} == {ITALIC}
    georgian = glyphs_of("გიორგი", Face.SLANTED)
    assert {glyph.font for glyph in georgian} == {"NotoSerifGeorgian-Regular"}
    assert all(glyph.advance > 0 for glyph in georgian)


def test_pairs_are_kerned() -> None:
    kerned = single_line("To", Face.UPRIGHT)
    assert kerned.advance < sum(glyph.advance for glyph in kerned.glyphs)


@pytest.mark.parametrize(
    ("hours", "line"),
    [("1.00", "a course of 1 hour"), ("100", "a course of 100 hours"), ("0.25", "0.25 hours")],
)
def test_hours_read_naturally(hours: str, line: str) -> None:
    assert line in lay_out(replace(FACTS, hours=Decimal(hours))).hours.block.lines[0].text


def test_a_course_without_length_says_nothing_of_it() -> None:
    text = read(render_certificate(replace(FACTS, hours=Decimal(0)))).pages[0].extract_text()
    assert "hour" not in text


def test_the_document_names_its_language_and_its_day() -> None:
    reader = read(render_certificate(FACTS))
    assert str(reader.root_object["/Lang"]) == "en"
    assert reader.metadata is not None
    assert reader.metadata.author == "LearnFlow"
    assert reader.metadata.creation_date is not None
    assert reader.metadata.creation_date.date() == FACTS.issued_on


def test_the_text_is_found_in_reading_order() -> None:
    text = read(render_certificate(FACTS)).pages[0].extract_text()
    parts = (
        "certify that",
        "Ada Lovelace",
        "completed",
        "Analytical",
        "hours",
        "Babbage",
        "No. LF",
    )
    positions = [text.index(part) for part in parts]
    assert positions == sorted(positions)
