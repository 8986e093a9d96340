"""The guards of the books find their rows by index, whatever the planner takes a table's size for.

A table is taken for empty when its statistics are gathered while all that is in it is still being
written by one transaction, as the demo's is. A guard that then goes through the whole table for each
row of it takes minutes instead of milliseconds.
"""

from django.db import migrations

_GUARDS = (
    "payments_ledger_adds_up()",
    "payments_ledger_follows_its_cause()",
    "payments_ledger_gives_back(uuid, uuid)",
    "payments_ledger_has_its_owner()",
    "payments_ledger_is_closed()",
    "payments_ledger_is_not_empty()",
    "payments_ledger_pays_what_is_owed()",
    "payments_ledger_returns(uuid, numeric, text)",
    "payments_ledger_shares_as_sold()",
    "payments_note_loose_ends()",
    "payments_note_loose_holds()",
    "payments_payout_is_booked()",
    "payments_sale_is_as_agreed()",
)
_SETTINGS = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")


def _each(clause):
    return "".join(
        f"ALTER FUNCTION {guard} {clause.format(setting)};\n"
        for guard in _GUARDS
        for setting in _SETTINGS
    )


class Migration(migrations.Migration):
    harmless = "The guards refuse what they refused; only how they look for it is said."

    dependencies = [("payments", "0036_exempt_payments")]

    operations = [migrations.RunSQL(_each("SET {} = off"), _each("RESET {}"))]
