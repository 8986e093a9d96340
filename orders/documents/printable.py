"""What keeps a document from being printed as it should."""

from itertools import chain, islice

from core.typesetting import find_unsettable
from orders.documents.facts import DocumentFacts

# Of a document full of them the first will do.
_MOST_NAMED = 30


def find_unprintable(facts: DocumentFacts) -> tuple[str, ...]:
    """Return the letters that can't be set, each once: of who sells and buys anything at all, of
    other texts anything but symbols, as a course is known without its emoji."""
    parties = [
        text
        for party in (facts.seller, facts.buyer)
        for text in (party.name, *party.address, party.tax_id)
    ]
    others = [line.title for line in facts.lines] + [one.label for one in facts.sums]
    found = chain(
        chain.from_iterable(map(find_unsettable, parties)),
        *(find_unsettable(text, symbols_may_go=True) for text in (*others, *facts.notes)),
    )
    return tuple(islice(dict.fromkeys(found), _MOST_NAMED))
