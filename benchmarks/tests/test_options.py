from pathlib import Path

import pytest

from benchmarks.options import parse_options


def test_everything_is_measured_by_default():
    options = parse_options([])
    assert options.courses == 100_000
    assert options.connections == 16
    assert options.only == ("hot", "list", "viewer", "filtered", "search", "detail")
    assert options.servers == ("product", "floor", "textbook")
    assert options.scale == (1_000, 100_000)


def test_rows_asked_for_come_alone_and_without_the_scale_check():
    options = parse_options(["--only", "list", "--only", "detail"])
    assert options.only == ("list", "detail")
    assert options.scale == ()


def test_the_scale_check_can_be_asked_for_alone():
    options = parse_options(["--only", "scale", "--million"])
    assert options.only == ("scale",)
    assert options.scale == (1_000, 100_000, 1_000_000)


def test_a_million_courses_are_not_measured_twice():
    options = parse_options(["--courses", "1000000", "--million"])
    assert options.scale == (1_000, 1_000_000)


def test_the_scale_check_can_be_left_out():
    assert parse_options(["--no-scale"]).scale == ()


def test_quick_is_small_and_short():
    options = parse_options(["--quick", "--json", "out.json"])
    assert (options.courses, options.seconds, options.rounds) == (2_000, 1, 1)
    assert options.quick
    assert options.scale == ()
    assert options.json == Path("out.json")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--only", "lists"],
        ["--servers", "nginx"],
        ["--courses", "0"],
        ["--seconds", "-1"],
        ["--connections", "many"],
        ["--database-url", "postgres://localhost/learnflow"],
        ["--redis-url", "redis://localhost"],
    ],
)
def test_what_makes_no_sense_is_refused(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        parse_options(arguments)
    assert stopped.value.code == 2
    assert "usage:" in capsys.readouterr().err
