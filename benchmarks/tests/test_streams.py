from urllib.parse import parse_qs, urlsplit

import pytest

from benchmarks.rows import ROWS
from benchmarks.streams import Facts, filtered_list, first_pages, search, viewer_list

_FACTS = Facts(
    courses=100_000,
    categories=["design", "music"],
    words=[(f"word{number}", 200 * (number % 2) + 45) for number in range(40)],
    detailed_courses=[f"course{number}" for number in range(2_000)],
    tokens=["one", "two", "three"],
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_stream_is_the_same_at_every_run(row):
    assert row.stream(_FACTS) == row.stream(_FACTS)


@pytest.mark.parametrize("row", [row for row in ROWS if row.reaches_database], ids=lambda r: r.name)
def test_no_address_comes_twice_where_the_database_is_to_be_reached(row):
    paths = [request.path for request in row.stream(_FACTS)]
    assert len(paths) == len(set(paths))


def test_the_list_asks_for_twenty_courses_on_average():
    sizes = [int(_query(request.path)["page_size"]) for request in first_pages(pages=10)]
    assert sum(sizes) / len(sizes) == 20


def test_viewers_take_turns():
    requests = viewer_list(_FACTS)
    assert [request.token for request in requests[:4]] == ["one", "two", "three", "one"]


def test_every_filter_asks_for_another_count():
    filters = [
        tuple(sorted((name, value) for name, value in _query(r.path).items() if name != "ordering"))
        for r in filtered_list(_FACTS)
    ]
    assert len(set(filters)) > 0.9 * len(filters)
    assert all(float(dict(f)["min_price"]) < float(dict(f)["max_price"]) for f in filters)


def test_search_asks_for_no_page_past_the_end():
    pages = [int(_query(request.path)["page"]) for request in search(_FACTS)]
    assert sorted(set(pages)) == list(range(1, 11))
    assert pages.count(1) == pages.count(2) == 40
    assert pages.count(3) == 20


def _query(path: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
