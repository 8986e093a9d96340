"""Serial numbers of certificates."""

import pytest

from enrollments.serials import ALPHABET, check_character, new_serial, parse_serial


def test_a_new_serial_is_canonical_and_different_each_time() -> None:
    serials = {new_serial() for _ in range(200)}
    assert len(serials) == 200
    assert all(parse_serial(serial) == serial for serial in serials)
    assert all(len(serial) == 22 and serial.startswith("LF-") for serial in serials)


def test_case_dashes_and_prefix_do_not_matter() -> None:
    serial = new_serial()
    bare = serial.replace("-", "")
    for written in (serial.lower(), bare, bare.lower(), bare[2:], serial[3:].lower()):
        assert parse_serial(written) == serial


def test_lookalikes_are_read_as_what_was_printed() -> None:
    body = "0011" + "A" * 11
    bare = body + check_character(body)
    assert parse_serial("OoIl" + bare[4:]) == parse_serial(bare)


def test_every_single_wrong_character_is_noticed() -> None:
    bare = new_serial().replace("-", "")[2:]
    for index, right in enumerate(bare):
        for wrong in ALPHABET.replace(right, ""):
            assert parse_serial(bare[:index] + wrong + bare[index + 1 :]) is None


@pytest.mark.parametrize("text", ["", "LF", "LF-", "U" * 16, "é" * 16, "\x00" * 16, "0" * 500])
def test_what_cannot_be_a_serial_is_none(text: str) -> None:
    assert parse_serial(text) is None
