"""Verifies what was made, as the nightly run of a day ago would have:
`python -m benchmarks.books_verified`. What was written since is all that the next run looks at."""

import datetime as dt
from unittest import mock

from devtools.printable import be_printable

_AGE = dt.timedelta(days=1)


def verify_as_of_yesterday() -> None:
    """Leave the marks that say up to where counts and balances were verified. Raises RuntimeError
    where something is broken."""
    from payments import books
    from payments.books import running

    with mock.patch.object(running, "SETTLED", _AGE):
        for verify in (books.verify_counts, books.verify_balances):
            if broken := verify(on_found=lambda found: None):
                raise RuntimeError(f"the books are broken: {broken[:3]}")


def main() -> None:
    """Do so in the database of the settings."""
    import django

    django.setup()
    verify_as_of_yesterday()


if __name__ == "__main__":
    be_printable()
    main()
