from django.db import migrations, models

# What is noted of a row of each table: kind, key, and by how much a count changes by it. `r` is the
# row as it was (`sign` -1) or is now (1). Without a key nothing is noted.
_SERIES = """('series_rows', regexp_replace(r.number, '-[0-9]+$', ''), sign),
        ('series_sum', regexp_replace(r.number, '-[0-9]+$', ''),
         sign * substring(r.number FROM '[0-9]+$')::numeric)"""
_UNDONE = "CASE WHEN TG_OP <> 'INSERT' THEN {}::text END"
_ORDER = "('order', r.order_id::text, NULL::numeric)"
_NOTES = {
    "orders_order": "('order', r.id::text, NULL::numeric)",
    "orders_orderitem": _ORDER,
    "orders_couponredemption": f"{_ORDER}, ('coupon_uses', r.coupon_id::text, sign)",
    "orders_invoice": f"{_ORDER}, {_SERIES}",
    "orders_creditnote": f"""('invoice', r.invoice_id::text, NULL::numeric),
        ('refund', r.refund_id::text, NULL), ('dispute', r.dispute_id::text, NULL), {_SERIES}""",
    "payments_payment": _ORDER,
    "payments_refund": "('payment', r.payment_id::text, NULL::numeric)",
    "payments_refundline": """('refund', r.refund_id::text, NULL::numeric),
        ('item', r.order_item_id::text, NULL)""",
    "payments_refundrequest": _ORDER,
    "payments_refundrequest_order_items": """
        ('request', r.refundrequest_id::text, NULL::numeric), ('item', r.orderitem_id::text, NULL)""",
    "payments_dispute": "('payment', r.payment_id::text, NULL::numeric)",
    "payments_ledgertransaction": f"""('movement', r.id::text, NULL::numeric),
        ('movement_past', {_UNDONE.format("r.id")}, NULL),
        ('payment', {_UNDONE.format("r.payment_id")}, NULL),
        ('refund', {_UNDONE.format("r.refund_id")}, NULL),
        ('dispute', {_UNDONE.format("r.dispute_id")}, NULL),
        ('payout', {_UNDONE.format("r.payout_id")}, NULL),
        ('balance_movement', {_UNDONE.format("r.balance_movement_id")}, NULL)""",
    # What was earned can break no payout; what is taken can, and what is written of the past.
    "payments_ledgerentry": f"""('movement', r.transaction_id::text, NULL::numeric),
        ('item', {_UNDONE.format("r.order_item_id")}, NULL),
        ('earner', CASE WHEN r.account = 'instructor' AND r.amount > 0
                        THEN r.instructor_id::text END, NULL),
        ('earner_past', CASE WHEN r.instructor_id IS NOT NULL
            AND (TG_OP <> 'INSERT' OR r.created_at < clock_timestamp() - interval '30 minutes')
            THEN r.instructor_id::text END, NULL)""",
    "payments_saleline": """('payment', r.payment_id::text, NULL::numeric),
        ('item', r.order_item_id::text, NULL)""",
    "payments_payout": "('payout', r.id::text, NULL::numeric)",
    "payments_balancemovement": "('balance_movement', r.id::text, NULL::numeric)",
    "payments_payoutaccount": "('account', r.id::text, NULL::numeric)",
    "enrollments_enrollment": """('enrollment', r.id::text, NULL::numeric),
        ('students', CASE WHEN r.status = 'active' THEN r.course_id::text END, sign)""",
    "enrollments_accesshold": "('enrollment', r.enrollment_id::text, NULL::numeric)",
    "reviews_review": """('ratings', r.course_id::text, sign::numeric),
        ('stars', r.course_id::text, sign * r.rating)""",
    "courses_coursestats": """('students', r.course_id::text, sign * -r.student_count::numeric),
        ('ratings', r.course_id::text, sign * -r.rating_count),
        ('stars', r.course_id::text, sign * -r.rating_sum)""",
    "courses_pricechange": "('course', r.course_id::text, NULL::numeric)",
    "courses_course": "('course', r.id::text, NULL::numeric)",
    "orders_coupon": """('coupon', r.id::text, NULL::numeric),
        ('coupon_uses', r.id::text, sign * -r.used_count)""",
}  # fmt: skip
# Tables that are written to for much else: only what matters to the books is noted of an update.
_COLUMNS = {
    "payments_payoutaccount": ("instructor_id",),
    "enrollments_enrollment": ("user_id", "course_id", "status", "source", "enrolled_at"),
    "reviews_review": ("course_id", "rating"),
    "courses_coursestats": ("course_id", "student_count", "rating_count", "rating_sum"),
    "courses_course": ("price",),
    "orders_coupon": ("max_redemptions", "max_redemptions_per_person", "used_count"),
}

_NOTE = """
        INSERT INTO payments_booktouch (kind, key, amount)
        SELECT note.kind, note.key, sum(note.amount) FROM ({rows}) AS r
        CROSS JOIN LATERAL (VALUES {notes}) AS note(kind, key, amount)
        WHERE note.key IS NOT NULL
        GROUP BY note.kind, note.key
        HAVING sum(note.amount) IS DISTINCT FROM 0;"""
_NEW, _OLD = "SELECT *, 1 AS sign FROM new_rows", "SELECT *, -1 AS sign FROM old_rows"
_FUNCTION = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {body}
    RETURN NULL;
END $$;
"""
_BY_STATEMENT = """IF TG_OP = 'INSERT' THEN{insert}
    ELSIF TG_OP = 'DELETE' THEN{delete}
    ELSE{update}
    END IF;"""
_REFERENCING = {
    "INSERT": "NEW TABLE AS new_rows",
    "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "OLD TABLE AS old_rows",
}


def _notice(table, notes):
    """The functions and triggers of a table."""
    name = f"payments_note_{table}"
    body = _BY_STATEMENT.format(
        insert=_NOTE.format(rows=_NEW, notes=notes),
        delete=_NOTE.format(rows=_OLD, notes=notes),
        update=_NOTE.format(rows=f"{_NEW} UNION ALL {_OLD}", notes=notes),
    )
    yield _FUNCTION.format(name=name, body=body)
    columns = _COLUMNS.get(table)
    for event in ("INSERT", "DELETE") if columns else ("INSERT", "UPDATE", "DELETE"):
        yield (
            f"CREATE TRIGGER books_note_{event.lower()} AFTER {event} ON {table}\n"
            f"    REFERENCING {_REFERENCING[event]}\n"
            f"    FOR EACH STATEMENT EXECUTE FUNCTION {name}();\n"
        )
    if columns:
        row = "SELECT NEW.*, 1 AS sign UNION ALL SELECT OLD.*, -1"
        yield _FUNCTION.format(
            name=f"{name}_row", body=_NOTE.format(rows=row, notes=notes).strip()
        )
        changed = " OR ".join(f"OLD.{one} IS DISTINCT FROM NEW.{one}" for one in columns)
        yield (
            f"CREATE TRIGGER books_note_update AFTER UPDATE ON {table}\n"
            f"    FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION {name}_row();\n"
        )


def _forget(table):
    for event in ("insert", "update", "delete"):
        yield f"DROP TRIGGER books_note_{event} ON {table};\n"
    yield f"DROP FUNCTION payments_note_{table}();\n"
    if table in _COLUMNS:
        yield f"DROP FUNCTION payments_note_{table}_row();\n"


# All at one moment: a count and what is counted are noted from the same transaction on.
_LOCK = f"LOCK TABLE {', '.join(sorted(_NOTES))} IN SHARE ROW EXCLUSIVE MODE;\n"
_SET_UP = _LOCK + "".join(part for table, notes in _NOTES.items() for part in _notice(table, notes))
_TAKE_DOWN = "".join(part for table in _NOTES for part in _forget(table))


class Migration(migrations.Migration):
    """What was written before isn't noted: `manage.py verify_books` looks at all of it."""

    harmless = (
        "The triggers only add rows to a table that the version before doesn't know. Writers wait "
        "while they are made, a moment, and for transactions that are under way."
    )

    dependencies = [
        ("payments", "0025_booked_balance"),
        ("orders", "0008_order_numbers"),
        ("reviews", "0001_initial"),
        ("enrollments", "0005_highest_progress"),
        ("courses", "0010_prices_by_now"),
    ]

    operations = [
        migrations.CreateModel(
            name="BookMark",
            fields=[
                ("name", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("until", models.DateTimeField(null=True)),
                ("amount", models.DecimalField(decimal_places=2, max_digits=20)),
            ],
        ),
        migrations.CreateModel(
            name="BookTouch",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=20)),
                ("key", models.CharField(max_length=64)),
                ("amount", models.DecimalField(decimal_places=0, max_digits=20, null=True)),
            ],
        ),
        migrations.RunSQL(_SET_UP, _TAKE_DOWN),
    ]
