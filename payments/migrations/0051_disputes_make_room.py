"""A dispute takes anew what refunds leave it: the ledger's guard knows a dispute's movement that
follows a refund's, and may give as well as take, as long as the dispute gives nobody more than it
took of them."""

from importlib import import_module

from django.db import migrations

_RULES = import_module("payments.migrations.0031_movements_follow_causes")._RULES
_NAME = "payments_ledger_follows_its_cause()"


def _function():
    """The function as it is until now."""
    text = _RULES[_RULES.index("CREATE FUNCTION") :]
    text = text[: text.index("END $$;") + len("END $$;")]
    return text.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)


def _replaced(text, *changes):
    for before, after in changes:
        if text.count(before) != 1:
            raise ValueError(f"not once in the function: {before}")
        text = text.replace(before, after)
    return text


_BEFORE = _function()
_AFTER = _replaced(
    _BEFORE,
    (
        "AND fact.kind IN ('refund', 'dispute')), false)\n",
        "AND (fact.kind = 'refund' OR fact.kind = 'dispute' AND NOT fact.covers)), false)\n",
    ),
    (
        """          AND before.kind IN ('refund_failed', 'dispute_won')
          AND before.id::text = substring(fact.reference FROM '[^:]+$')
    ) THEN
        fault := 'makes good what nothing came back for';
    END IF;
""",
        """          AND (before.kind IN ('refund_failed', 'dispute_won')
               OR (fact.kind, before.kind) = ('dispute', 'refund'))
          AND before.written_by = pg_current_xact_id()::text::bigint
          AND before.id::text = substring(fact.reference FROM '[^:]+$')
    ) THEN
        fault := 'makes good what nothing came back for';
    END IF;
    -- What a dispute takes anew is what it took of others.
    IF fault IS NULL AND fact.covers AND fact.kind = 'dispute' AND EXISTS (
        SELECT FROM payments_ledgertransaction movement
        JOIN payments_ledgerentry entry ON entry.transaction_id = movement.id
        WHERE movement.dispute_id = fact.dispute_id AND movement.kind = 'dispute'
          AND entry.account <> 'stripe'
        GROUP BY entry.account, entry.order_item_id, entry.instructor_id
        HAVING sum(entry.amount) < 0
    ) THEN
        fault := 'gives more than its dispute took';
    END IF;
""",
    ),
)
# A function that is replaced forgets how it looks for rows (0037).
_BY_INDEX = "".join(
    f"ALTER FUNCTION {_NAME} SET {setting} = off;\n"
    for setting in ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
)


class Migration(migrations.Migration):
    harmless = (
        "The guard refuses nothing that the version before books: what makes good follows at once, "
        "in the transaction of what came back."
    )

    dependencies = [("payments", "0050_marks_and_holds_stay")]

    operations = [migrations.RunSQL(_AFTER + _BY_INDEX, _BEFORE + _BY_INDEX)]
