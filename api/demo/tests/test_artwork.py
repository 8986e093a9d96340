"""The pictures: the same every time, different from each other, and readable."""

import hashlib
from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image

from api.demo.artwork import draw_avatar, draw_thumbnail
from api.demo.artwork.pen import load_font
from api.demo.artwork.thumbnails import (
    LINE_HEIGHT,
    TITLE_HEIGHT,
    TITLE_WIDTH,
    ThumbnailBrief,
    fit_title,
)
from api.demo.sources import read_shelves

SHELVES = read_shelves()


def brief_of(shelf_index: int, rank: int = 0) -> ThumbnailBrief:
    shelf = SHELVES[shelf_index]
    course = shelf.courses[rank]
    return ThumbnailBrief(
        slug=course.slug,
        title=course.title,
        category=shelf.slug,
        category_name=shelf.name,
        instructor="Ada Lovelace",
        rank=rank,
    )


@pytest.mark.parametrize("index", range(len(SHELVES)), ids=[shelf.slug for shelf in SHELVES])
def test_a_thumbnail_is_a_web_picture_of_moderate_size(index: int):
    content = draw_thumbnail(brief_of(index))
    image = Image.open(BytesIO(content))
    assert (image.format, image.size) == ("WEBP", (1280, 720))
    assert 15_000 < len(content) < 70_000


def test_the_same_words_give_the_same_picture():
    assert draw_thumbnail(brief_of(0)) == draw_thumbnail(brief_of(0))
    assert draw_avatar("Ada", "Lovelace") == draw_avatar("Ada", "Lovelace")


def test_courses_of_one_category_look_different():
    same_words = replace(brief_of(4), title="Data", instructor="")
    pictures = {
        hashlib.sha256(draw_thumbnail(replace(same_words, slug=slug))).hexdigest()
        for slug in ("one", "two", "three")
    }
    assert len(pictures) == 3


def test_every_title_fits_its_field():
    for course in (course for shelf in SHELVES for course in shelf.courses):
        lines, size = fit_title(course.title)
        assert " ".join(lines) == course.title
        assert max(load_font(size).getlength(line) for line in lines) <= TITLE_WIDTH
        assert len(lines) * size * LINE_HEIGHT <= TITLE_HEIGHT


def test_an_avatar_shows_initials_on_a_square():
    image = Image.open(BytesIO(draw_avatar("Élodie", "Þórsdóttir")))
    assert (image.format, image.size) == ("WEBP", (320, 320))
