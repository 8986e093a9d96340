"""Countries by their two-letter codes (ISO 3166-1 alpha-2)."""

from functools import cache
from importlib import resources

# Kosovo has no code of ISO's yet; banks, Stripe and the EU use this one.
_IN_USE = frozenset({"XK"})


def is_country(code: str) -> bool:
    """Return whether this is the code of a country, in capital letters."""
    return code in all_countries()


@cache
def all_countries() -> frozenset[str]:
    """Return the codes of all countries there are."""
    # The time zone database has ISO's table.
    table = (resources.files("tzdata.zoneinfo") / "iso3166.tab").read_text(encoding="utf-8")
    rows = (line for line in table.splitlines() if line and not line.startswith("#"))
    return _IN_USE | {row.partition("\t")[0] for row in rows}
