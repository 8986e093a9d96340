import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

_RULES = """
-- From when on an entry counts towards what can be paid; null: whatever the time is. What a payout,
-- a refund or a dispute took from earnings that could be paid counts at once, as it was written by a
-- clock that may be ahead of the one of who asks.
CREATE FUNCTION payments_held_until(
    kind text, amount numeric, available_at timestamptz, occurred_at timestamptz
) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN kind IN ('payout', 'payout_failed')
                     OR (amount > 0 AND available_at <= occurred_at)
                THEN NULL ELSE available_at END
$$;

-- An entry without its movement has no currency, and is refused for that.
CREATE FUNCTION payments_entries_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO payments_balancechange (
        currency, account, instructor_id, course_id, held_until, amount, entries, sales, sold, sent
    )
    SELECT movement.currency, entry.account,
           CASE entry.account WHEN 'instructor' THEN entry.instructor_id END, item.course_id,
           payments_held_until(
               movement.kind, entry.amount, entry.available_at, movement.occurred_at
           ),
           sum(entry.amount), count(*), count(*) FILTER (WHERE movement.kind = 'sale'),
           coalesce(sum(entry.amount) FILTER (WHERE movement.kind = 'sale'), 0),
           coalesce(sum(entry.amount) FILTER (WHERE movement.kind LIKE 'payout%'), 0)
    FROM written entry
    LEFT JOIN payments_ledgertransaction movement ON movement.id = entry.transaction_id
    LEFT JOIN orders_orderitem item
           ON item.id = entry.order_item_id AND entry.account = 'instructor'
    GROUP BY 1, 2, 3, 4, 5;
    RETURN NULL;
END $$;

CREATE FUNCTION payments_changes_are_folded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- In the order of their keys, as two may fold at once.
    INSERT INTO payments_balance AS balance (
        currency, account, instructor_id, course_id, amount, entries, sales, sold, sent
    )
    SELECT currency, account, instructor_id, course_id, sum(amount), sum(entries), sum(sales),
           sum(sold), sum(sent)
    FROM folded GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (currency, account, instructor_id, course_id) DO UPDATE
    SET amount = balance.amount + excluded.amount, entries = balance.entries + excluded.entries,
        sales = balance.sales + excluded.sales, sold = balance.sold + excluded.sold,
        sent = balance.sent + excluded.sent;
    RETURN NULL;
END $$;

CREATE VIEW payments_runningbalance AS
    SELECT id, currency, account, instructor_id, course_id, NULL::timestamptz AS held_until,
           amount, entries, sales, sold, sent
    FROM payments_balance
    UNION ALL
    SELECT id, currency, account, instructor_id, course_id, held_until,
           amount, entries, sales, sold, sent
    FROM payments_balancechange;

-- What the entries add up to and the balances don't becomes a change: those of before, and those
-- that were written past the trigger. One snapshot sees an entry together with its change, so that
-- entries may come in meanwhile.
CREATE FUNCTION payments_catch_balances_up() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('payments_catch_balances_up'));
    INSERT INTO payments_balancechange (
        currency, account, instructor_id, course_id, held_until, amount, entries, sales, sold, sent
    )
    SELECT currency, account, instructor_id, course_id,
           CASE WHEN held_until > now() - interval '1 hour' THEN held_until END,
           sum(amount), sum(entries), sum(sales), sum(sold), sum(sent)
    FROM (
        SELECT movement.currency, entry.account,
               CASE entry.account WHEN 'instructor' THEN entry.instructor_id END AS instructor_id,
               item.course_id,
               payments_held_until(
                   movement.kind, entry.amount, entry.available_at, movement.occurred_at
               ) AS held_until,
               entry.amount, 1 AS entries, (movement.kind = 'sale')::int AS sales,
               CASE movement.kind WHEN 'sale' THEN entry.amount ELSE 0 END AS sold,
               CASE WHEN movement.kind LIKE 'payout%' THEN entry.amount ELSE 0 END AS sent
        FROM payments_ledgerentry entry
        JOIN payments_ledgertransaction movement ON movement.id = entry.transaction_id
        LEFT JOIN orders_orderitem item
               ON item.id = entry.order_item_id AND entry.account = 'instructor'
        UNION ALL
        SELECT currency, account, instructor_id, course_id, held_until, -amount, -entries, -sales,
               -sold, -sent
        FROM payments_runningbalance
    ) AS difference
    GROUP BY 1, 2, 3, 4, 5
    HAVING (sum(amount), sum(entries), sum(sales), sum(sold), sum(sent))
           IS DISTINCT FROM (0::numeric, 0::numeric, 0::numeric, 0::numeric, 0::numeric);
END $$;

CREATE TRIGGER changes_are_folded AFTER DELETE ON payments_balancechange
    REFERENCING OLD TABLE AS folded
    FOR EACH STATEMENT EXECUTE FUNCTION payments_changes_are_folded();
CREATE TRIGGER entries_count AFTER INSERT ON payments_ledgerentry
    REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION payments_entries_count();
"""

_NO_RULES = """
DROP TRIGGER entries_count ON payments_ledgerentry;
DROP TRIGGER changes_are_folded ON payments_balancechange;
DROP FUNCTION payments_catch_balances_up();
DROP VIEW payments_runningbalance;
DROP FUNCTION payments_changes_are_folded();
DROP FUNCTION payments_entries_count();
DROP FUNCTION payments_held_until(text, numeric, timestamptz, timestamptz);
"""


def _sums(*others):
    return [
        ("id", models.BigAutoField(primary_key=True, serialize=False)),
        ("currency", models.CharField(max_length=3)),
        ("account", models.CharField(max_length=20)),
        ("amount", models.DecimalField(decimal_places=2, max_digits=14)),
        ("entries", models.BigIntegerField()),
        ("sales", models.BigIntegerField()),
        ("sold", models.DecimalField(decimal_places=2, max_digits=14)),
        ("sent", models.DecimalField(decimal_places=2, max_digits=14)),
        *others,
    ]


def _reference(to):
    return models.ForeignKey(
        db_index=False,
        null=True,
        on_delete=django.db.models.deletion.DO_NOTHING,
        related_name="+",
        to=to,
    )


class Migration(migrations.Migration):
    """Entries count from here on, whoever writes them; those of before follow (0021)."""

    harmless = (
        "The trigger refuses nothing: it adds what the version before's entries add up to, to a "
        "table that it doesn't know."
    )

    dependencies = [
        ("courses", "0010_prices_by_now"),
        ("payments", "0019_explain_access"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Balance",
            fields=_sums(
                ("course", _reference("courses.course")),
                ("instructor", _reference(settings.AUTH_USER_MODEL)),
            ),
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("instructor__isnull", False)),
                        fields=["instructor"],
                        name="balance_of_instructor",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("currency", "account", "instructor", "course"),
                        name="balance_once",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="BalanceChange",
            fields=_sums(
                ("held_until", models.DateTimeField(null=True)),
                ("course", _reference("courses.course")),
                ("instructor", _reference(settings.AUTH_USER_MODEL)),
            ),
            options={
                "indexes": [
                    models.Index(fields=["held_until"], name="balance_change_due"),
                    models.Index(
                        condition=models.Q(("instructor__isnull", False)),
                        fields=["instructor", "held_until"],
                        name="balance_change_of_instructor",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RunningBalance",
            fields=_sums(("held_until", models.DateTimeField(null=True))),
            options={"db_table": "payments_runningbalance", "managed": False},
        ),
        migrations.RunSQL(_RULES, _NO_RULES),
    ]
