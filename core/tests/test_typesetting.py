"""Texts of scripts that run from right to left; the rest is tested with the documents."""

import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.typesetting import Box, Face, find_unsettable, fit, single_line
from core.typesetting.direction import MIRRORED
from core.typesetting.faces import glyphs_of

NARROW = Box(width=90, height=200, largest=12, wrap_below=12)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("שלום", "םולש"),
        ("שלום עולם", "םלוע םולש"),
        ("John (Yossi) כהן Smith", "John (Yossi) ןהכ Smith"),
        ("מבוא ל-Python (חלק 2)", "(2 קלח) Python-ל אובמ"),
        ("Tavern (2)", "Tavern (2)"),
    ],
)
def test_a_line_is_set_in_the_order_in_which_it_is_seen(text: str, seen: str) -> None:
    assert single_line(text, Face.UPRIGHT).text == seen


def test_arabic_letters_are_joined() -> None:
    names = [unicodedata.name(glyph.text) for glyph in single_line("محمد", Face.UPRIGHT).glyphs]
    assert names == [
        "ARABIC LETTER DAL FINAL FORM",
        "ARABIC LETTER MEEM MEDIAL FORM",
        "ARABIC LETTER HAH MEDIAL FORM",
        "ARABIC LETTER MEEM INITIAL FORM",
    ]


def test_lam_and_alef_are_one_letter() -> None:
    (glyph,) = single_line("لا", Face.UPRIGHT).glyphs
    assert unicodedata.name(glyph.text) == "ARABIC LIGATURE LAM WITH ALEF ISOLATED FORM"


@pytest.mark.parametrize("word", ["שָׁלוֹם", "مُحَمَّد"])
def test_vowels_stay_with_their_letter(word: str) -> None:
    plain = "".join(letter for letter in word if not unicodedata.combining(letter))
    marked, bare = single_line(word, Face.UPRIGHT), single_line(plain, Face.UPRIGHT)
    assert [glyph.text[-1] for glyph in marked.glyphs] == [glyph.text for glyph in bare.glyphs]
    assert Counter(marked.text) - Counter(bare.text) == Counter(
        letter for letter in word if unicodedata.combining(letter)
    )


def test_lines_break_in_reading_order() -> None:
    words = "אלף בית גימל דלת הא זין חית טית"
    lines = [line.text for line in fit(words, Face.UPRIGHT, NARROW).lines]
    assert len(lines) > 1
    assert " ".join(line[::-1] for line in lines) == words


@given(st.text("אבגدمش aZ1،()[]%-.", max_size=40))
def test_nothing_is_lost_by_the_order(text: str) -> None:
    line = single_line(text, Face.UPRIGHT)
    cleaned = " ".join(text.split())
    assert Counter(map(_shape, line.text)) == Counter(map(_shape, cleaned))
    assert len(line.glyphs) == len(glyphs_of(cleaned, Face.UPRIGHT))


@pytest.mark.parametrize(
    "text",
    [
        "Ada O'Neil-Łukasz, 2nd (Jr.)", "Nguyễn Thị Hằng", "Юлия Ωμέγα", "Հայկ გიორგი", "Ẹkọ́",
        "שָׁלוֹם עולם", "محمد علی پاکستان", "สมชาย ป้า ปู่", "Tax DE (19 %)", "a\u00adb\u202e",
        # By fonts of the reader's own.
        "中文 Li", "さくら", "김",
    ],
)  # fmt: skip
def test_what_the_fonts_have_is_settable(text: str) -> None:
    assert find_unsettable(text) == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # No font has them.
        ("अमित", "अ मि त"),
        # A tone over a vowel, a mark over a mark.
        ("ที่", "ที่"), ("น้ำ", "ำ"), ("x̌̂", "x̌̂"),
        # Letters that nothing here can join, and words that fall together.
        ("ټولنه", "ټ"), ("\u0645\u06cc\u200c\u062e\u0648", "\u200c"),
        ("\ue000a", "\ue000"), ("1️⃣", "1️⃣"),
    ],
)  # fmt: skip
def test_what_would_come_out_wrong_is_named(text: str, found: str) -> None:
    assert find_unsettable(text) == find_unsettable(text, symbols_may_go=True)
    assert find_unsettable(text) == tuple(found.split(" "))


def test_two_marks_on_one_arabic_letter_lie_on_each_other() -> None:
    (cluster,) = find_unsettable("مُحَمَّد")
    assert len(cluster) == 3


def test_symbols_matter_in_names_alone() -> None:
    assert find_unsettable("Ada 🐍❤️") == ("🐍", "❤️")
    assert find_unsettable("Learn 🐍❤️", symbols_may_go=True) == ()


def _shape(character: str) -> str:
    """The letter without its joined form, a bracket whichever way it is turned."""
    letter = unicodedata.normalize("NFKC", character)
    return min(letter, str(MIRRORED.get(letter, letter)))
