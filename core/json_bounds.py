"""How much there is in a JSON text, told before anything is made of it: a few megabytes can be
millions of empty lists, each of which takes many times as much once parsed."""

import re

# Texts are passed over; what is left begins, or comes between, values. Possessive, so that a long
# text costs no memory to go through.
_TOKENS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[,\[{]', re.DOTALL)


def has_more_values(content: bytes, limit: int) -> bool:
    """Whether the JSON text holds more than `limit` values: texts, numbers, lists, objects and so
    on, names of objects not counted. Of what isn't JSON the answer means nothing, and costs little.
    """
    # An upper bound at first, which most texts are below: commas within texts count too.
    if 1 + sum(content.count(mark) for mark in (b",", b"[", b"{")) <= limit:
        return False
    values = 1
    for number, token in enumerate(_TOKENS.finditer(content)):
        values += content[token.start()] != ord('"')
        if values > limit or number > 4 * limit:
            return True
    return False
