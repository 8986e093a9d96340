"""Serial numbers of certificates: `LF-XXXX-XXXX-XXXX-XXXX`.

Crockford's Base32 (no I, L, O, U) reads well on paper. Fifteen characters are random (75 bits): the
serial is all one needs to see a certificate, so it must not be guessable. The last one is a check
character (Luhn mod 32), which catches every single wrong character without asking the database.
"""

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PREFIX = "LF"
RANDOM_LENGTH = 15
LENGTH = RANDOM_LENGTH + 1

# What people write for what they read (Crockford's decoding table).
_LOOKALIKES = str.maketrans({"I": "1", "L": "1", "O": "0"})
_SEPARATORS = str.maketrans("", "", "- ")


def new_serial() -> str:
    """Return an unguessable serial in its canonical form."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    return _canonical(body + check_character(body))


def parse_serial(text: str) -> str | None:
    """Return the canonical form of a serial as somebody typed it, or None when it can't be one.

    Letters may be in any case, dashes and the prefix may be missing.
    """
    bare = text.upper().translate(_SEPARATORS)
    if len(bare) == len(PREFIX) + LENGTH:
        bare = bare.removeprefix(PREFIX)
    bare = bare.translate(_LOOKALIKES)
    if len(bare) != LENGTH or any(character not in ALPHABET for character in bare):
        return None
    if check_character(bare[:-1]) != bare[-1]:
        return None
    return _canonical(bare)


def check_character(body: str) -> str:
    """Return the Luhn mod 32 check character of the body."""
    total = 0
    for index, character in enumerate(reversed(body)):
        value = ALPHABET.index(character) * (2 if index % 2 == 0 else 1)
        total += value // 32 + value % 32
    return ALPHABET[-total % 32]


def _canonical(bare: str) -> str:
    groups = [bare[start : start + 4] for start in range(0, LENGTH, 4)]
    return "-".join([PREFIX, *groups])
