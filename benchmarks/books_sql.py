"""Statements that make a marketplace of any number of orders, each with one line, as the product
would have written it: three years of history, and a live window of the same size in all, which
holds the month before this one. Of everything that is listed, the fewest orders fill a page."""

# Times are as if the newest order were of this moment; number n of so many is later than n - 1.
PLAN = """
    CREATE UNLOGGED TABLE bench_plan AS
    WITH numbered AS (
        SELECT n, n > %(orders)s - %(live)s AS is_live FROM generate_series(1, %(orders)s) n
    ), timed AS (
        SELECT n, now() - CASE WHEN is_live
            THEN interval '65 days' * (%(orders)s - n) / %(live)s
            ELSE interval '66 days'
                 + interval '1029 days' * (1 - n::float8 / (%(orders)s - %(live)s))
            END AS at
        FROM numbered
    ), people AS (
        SELECT id AS user_id, row_number() OVER (ORDER BY id) - 1 AS place
        FROM users_user WHERE email LIKE 'buyer-%%'
    ), shelf AS (
        SELECT id AS course_id, instructor_id, title, price,
               row_number() OVER (ORDER BY id) - 1 AS place
        FROM courses_course WHERE price > 0
    ), chosen AS (
        SELECT timed.*, people.user_id, shelf.course_id, shelf.instructor_id, shelf.title,
               shelf.price, round(shelf.price * 0.19, 2) AS tax,
               round(shelf.price * 0.70, 2) AS share,
               CASE WHEN n %% 1000 BETWEEN 900 AND 919 THEN 'failed'
                    WHEN at > now() - interval '20 days' THEN 'completed'
                    WHEN n %% 1000 < 30 THEN 'refunded'
                    WHEN n %% 1000 BETWEEN 500 AND 509 THEN 'lost'
                    WHEN n %% 1000 BETWEEN 510 AND 519 THEN 'won'
                    ELSE 'completed' END AS fate
        FROM timed
        JOIN people ON people.place = n %% %(buyers)s
        JOIN shelf ON shelf.place = (n %% %(buyers)s * 7 + n / %(buyers)s * 101)
                                    %% (SELECT count(*) FROM shelf)
    )
    SELECT chosen.*, price + tax AS total, round((price + tax) * 0.029 + 0.30, 2) AS fee,
           at + interval '30 days' AS available_at,
           uuidv7(at - now()) AS order_id, uuidv7(at - now()) AS item_id,
           uuidv7(at - now()) AS enrollment_id, uuidv7(at - now()) AS payment_id,
           uuidv7(at - now()) AS invoice_id, uuidv7(at - now()) AS sale_id,
           uuidv7(at - now()) AS fee_id, uuidv7(at - now()) AS cause_id,
           uuidv7(at - now()) AS taken_id, uuidv7(at - now()) AS back_id,
           uuidv7(at - now()) AS cost_id
    FROM chosen
"""
BUYERS = """
    INSERT INTO users_user (password, is_superuser, id, email, first_name, last_name, is_active,
                            is_staff, is_instructor, created_at, updated_at)
    SELECT '!', false, uuidv7(), 'buyer-' || n || '@example.com', 'Buyer', n::text, true, false,
           false, joined, joined
    FROM (SELECT n, now() - interval '1095 days' * n / %(buyers)s AS joined
          FROM generate_series(1, %(buyers)s) n) buyers
"""
# Each is signed in somewhere and has begun another cart.
SESSIONS = """
    INSERT INTO users_session (id, created_at, updated_at, user_id, refresh_jti, recent_rotations,
        rotated_at, expires_at, end_reason, device, ip, last_used_at)
    SELECT uuidv7(used - now()), used, used, id, uuidv7(), '[]', used, used + interval '30 days',
           '', 'Firefox', '198.51.100.7', used
    FROM (SELECT id, now() - interval '29 days' * (row_number() OVER (ORDER BY id)) / %(buyers)s
                 AS used
          FROM users_user WHERE email LIKE 'buyer-%%') buyers
"""
CARTS = """
    WITH begun AS (
        INSERT INTO cart_cart (id, created_at, updated_at, user_id)
        SELECT uuidv7(), now(), now(), id FROM users_user WHERE email LIKE 'buyer-%%'
        RETURNING id
    )
    INSERT INTO cart_cartitem (id, created_at, updated_at, cart_id, course_id, added_at)
    SELECT uuidv7(), now(), now(), begun.id, course.id, now()
    FROM begun CROSS JOIN (SELECT id FROM courses_course ORDER BY id LIMIT 1) course
"""
_SETTLED = "fate <> 'failed'"

ORDERS = """
    INSERT INTO orders_order (id, created_at, updated_at, order_number, user_id, status,
        failure_reason, currency, subtotal, discount_amount, tax_amount, tax_lines, total_amount,
        refunded_amount, billing_address, payment_method, transaction_id, payment_id, expires_at,
        completed_at)
    SELECT order_id, at, at, 'ORD-' || extract(year FROM at) || '-' || lpad(n::text, 7, '0'),
           user_id, CASE WHEN fate IN ('failed', 'refunded') THEN fate ELSE 'completed' END,
           CASE fate WHEN 'failed' THEN 'expired' ELSE '' END, 'usd', price, 0, tax,
           jsonb_build_array(jsonb_build_object('name', 'VAT', 'rate', '19', 'amount', tax::text)),
           total, CASE fate WHEN 'refunded' THEN total ELSE 0 END, '{"country": "DE"}', 'card',
           CASE fate WHEN 'failed' THEN '' ELSE 'ch_' || n END,
           CASE fate WHEN 'failed' THEN '' ELSE 'pi_' || n END, at + interval '1 day',
           CASE fate WHEN 'failed' THEN NULL ELSE at END
    FROM bench_plan
"""
LINES = """
    INSERT INTO orders_orderitem (id, created_at, updated_at, order_id, course_id, enrollment_id,
        instructor_id, title_at_purchase, price_at_purchase, discount_amount, tax_amount,
        refunded_amount, state)
    SELECT item_id, at, at, order_id, course_id,
           CASE fate WHEN 'failed' THEN NULL ELSE enrollment_id END, instructor_id, title, price, 0,
           tax, CASE fate WHEN 'refunded' THEN total ELSE 0 END,
           CASE fate WHEN 'failed' THEN 'canceled' WHEN 'refunded' THEN 'refunded'
                ELSE 'fulfilled' END
    FROM bench_plan
"""
ENROLLMENTS = f"""
    INSERT INTO enrollments_enrollment (id, created_at, updated_at, user_id, course_id, status,
        source, enrolled_at, lessons_completed, total_lessons, progress_percent, is_completed)
    SELECT enrollment_id, at, at, user_id, course_id,
           CASE WHEN fate IN ('refunded', 'lost') THEN 'revoked' ELSE 'active' END, 'purchase', at,
           0, 4, 0, false
    FROM bench_plan WHERE {_SETTLED}
"""
HOLDS = """
    INSERT INTO enrollments_accesshold (id, created_at, updated_at, enrollment_id, cause, object_id,
        effect, note)
    SELECT uuidv7(), at + interval '9 days', at + interval '9 days', enrollment_id,
           CASE fate WHEN 'lost' THEN 'dispute' ELSE 'refund' END, cause_id, 'revoked', ''
    FROM bench_plan WHERE fate IN ('refunded', 'lost')
"""
PAYMENTS = f"""
    INSERT INTO payments_payment (id, created_at, updated_at, order_id, stripe_payment_id,
        stripe_charge_id, amount, refunding_amount, fee_amount, currency, status, stripe_status,
        last_error_code, last_error_message, needs_attention, metadata, succeeded_at, next_check_at)
    SELECT payment_id, at, at, order_id, 'pi_' || n, 'ch_' || n, total,
           CASE fate WHEN 'refunded' THEN total ELSE 0 END, fee, 'usd', 'succeeded', 'succeeded',
           '', '', '', '{{}}', at, at
    FROM bench_plan WHERE {_SETTLED}
"""
INVOICES = f"""
    INSERT INTO orders_invoice (id, created_at, updated_at, order_id, number, issued_at,
        total_amount, currency, billing_address, seller, lines, tax_amount, tax_lines)
    SELECT invoice_id, at, at, order_id, 'INV-' || year || '-' || lpad(
               (row_number() OVER (PARTITION BY year ORDER BY n))::text, 7, '0'),
           at, total, 'usd', '{{"country": "DE"}}', '{{"name": "LearnFlow"}}',
           jsonb_build_array(jsonb_build_object('course_id', course_id, 'title', title,
               'price', price::text, 'discount', '0.00', 'amount', price::text, 'tax', tax::text)),
           tax, jsonb_build_array(jsonb_build_object(
               'name', 'VAT', 'rate', '19', 'amount', tax::text))
    FROM (SELECT *, extract(year FROM at) AS year FROM bench_plan WHERE {_SETTLED}) settled
"""
REFUNDS = """
    INSERT INTO payments_refund (id, created_at, updated_at, payment_id, stripe_refund_id, amount,
        status, reason, note, applied_at, attempts, next_attempt_at, last_error)
    SELECT cause_id, at + interval '5 days', at + interval '5 days', payment_id, 're_' || n, total,
           'succeeded', 'requested', '', at + interval '5 days', 1, at, ''
    FROM bench_plan WHERE fate = 'refunded'
"""
DECISIONS = """
    INSERT INTO core_auditentry (id, created_at, actor_id, action, target_type, target_id, details)
    SELECT uuidv7(), at + interval '5 days', uuidv7(), 'order.refund_planned', 'order', order_id,
           jsonb_build_object('refund', cause_id)
    FROM bench_plan WHERE fate = 'refunded'
"""
# What else people do to their accounts, and staff to all else.
DEEDS = """
    INSERT INTO core_auditentry (id, created_at, actor_id, action, target_type, target_id, details)
    SELECT uuidv7(at - now()), at, user_id,
           CASE n %% 8 WHEN 0 THEN 'user.password_changed' ELSE 'user.changed' END, 'user', user_id,
           '{}'
    FROM bench_plan WHERE n %% 4 = 0
"""
NOTICES = f"""
    INSERT INTO notifications_notification (id, created_at, updated_at, user_id, dedupe_key, kind,
        title, body, link)
    SELECT uuidv7(at - now()), at, at, user_id, 'enrolled:' || enrollment_id, 'enrollment',
           'You are enrolled', '', ''
    FROM bench_plan WHERE {_SETTLED}
"""
REVIEWS = f"""
    INSERT INTO reviews_review (id, created_at, updated_at, course_id, user_id, rating, title,
        comment, helpful_count)
    SELECT uuidv7(at - now()), at, at, course_id, user_id, 1 + n / 50 %% 5, 'As I found it',
           'It was worth the time.', 0
    FROM bench_plan WHERE {_SETTLED} AND n %% 50 = 1
"""
REFUND_LINES = """
    INSERT INTO payments_refundline (id, created_at, updated_at, refund_id, order_item_id, amount)
    SELECT uuidv7(), at + interval '5 days', at + interval '5 days', cause_id, item_id, total
    FROM bench_plan WHERE fate = 'refunded'
"""
DISPUTES = """
    INSERT INTO payments_dispute (id, created_at, updated_at, payment_id, stripe_dispute_id, amount,
        fee_amount, currency, reason, status, opened_at, closed_at)
    SELECT cause_id, at + interval '8 days', at + interval '15 days', payment_id, 'dp_' || n, total,
           15.00, 'usd', 'fraudulent', fate, at + interval '8 days', at + interval '15 days'
    FROM bench_plan WHERE fate IN ('lost', 'won')
"""
CREDIT_NOTES = """
    INSERT INTO orders_creditnote (id, created_at, updated_at, invoice_id, number, refund_id,
        dispute_id, issued_at, total_amount, tax_amount, currency, lines)
    SELECT uuidv7(), noted, noted, invoice_id, 'CN-' || year || '-' || lpad(
               (row_number() OVER (PARTITION BY year ORDER BY noted, n))::text, 7, '0'),
           CASE fate WHEN 'refunded' THEN cause_id END, CASE fate WHEN 'lost' THEN cause_id END,
           noted, total, tax, 'usd', jsonb_build_array(jsonb_build_object(
               'course_id', course_id, 'title', title, 'amount', total::text, 'tax', tax::text))
    FROM (
        SELECT *, extract(year FROM noted) AS year FROM (
            SELECT *, at + interval '1 day' * CASE fate WHEN 'lost' THEN 15 ELSE 5 END AS noted
            FROM bench_plan WHERE fate IN ('refunded', 'lost')
        ) dated
    ) credited
"""
SERIES = """
    INSERT INTO orders_numberseries (name, last)
    SELECT regexp_replace(number, '-[0-9]+$', ''), count(*) FROM (
        SELECT number FROM orders_invoice UNION ALL SELECT number FROM orders_creditnote
    ) numbers GROUP BY 1
"""
SALE_LINES = f"""
    INSERT INTO payments_saleline (id, created_at, updated_at, payment_id, order_item_id,
        instructor_id, percent, instructor_amount, platform_amount, tax_amount, buyer_amount,
        available_at)
    SELECT uuidv7(at - now()), at, at, payment_id, item_id, instructor_id, 70, share, price - share,
           tax, 0, available_at
    FROM bench_plan WHERE {_SETTLED}
"""
# Each movement's id, kind, reference, time, refund and dispute, and which fates have it.
_MOVEMENTS = (
    ("sale_id", "sale", "'sale:' || payment_id", "at", "NULL", "NULL", _SETTLED),
    ("fee_id", "stripe_fee", "'fee:' || payment_id", "at", "NULL", "NULL", _SETTLED),
    ("taken_id", "refund", "'refund:' || cause_id", "at + interval '5 days'", "cause_id", "NULL",
     "fate = 'refunded'"),
    ("taken_id", "dispute", "'dispute:' || cause_id", "at + interval '8 days'", "NULL", "cause_id",
     "fate IN ('lost', 'won')"),
    ("cost_id", "stripe_fee", "'dispute_fee:' || cause_id", "at + interval '8 days'", "NULL",
     "cause_id", "fate IN ('lost', 'won')"),
    ("back_id", "dispute_won", "'dispute_won:' || cause_id", "at + interval '15 days'", "NULL",
     "cause_id", "fate = 'won'"),
)  # fmt: skip
MOVEMENTS = [
    f"""
    INSERT INTO payments_ledgertransaction (id, created_at, updated_at, kind, reference, currency,
        occurred_at, payment_id, refund_id, dispute_id)
    SELECT {key}, {time}, {time}, '{kind}', {reference}, 'usd', {time}, payment_id,
           {refund}::uuid, {dispute}::uuid
    FROM bench_plan WHERE {condition}
    """
    for key, kind, reference, time, refund, dispute, condition in _MOVEMENTS
]
# A line's money to those who share it (credits), or back from them.
_SHARED = """
    INSERT INTO payments_ledgerentry (id, created_at, updated_at, transaction_id, account,
        instructor_id, order_item_id, amount, available_at)
    SELECT uuidv7({time} - now()), {time}, {time}, {key}, side.account,
           CASE side.account WHEN 'instructor' THEN instructor_id END,
           CASE side.account WHEN 'stripe' THEN NULL ELSE item_id END, {sign} * side.amount,
           CASE side.account WHEN 'instructor' THEN available_at END
    FROM bench_plan CROSS JOIN LATERAL (VALUES
        ('stripe', -total), ('instructor', share), ('platform', price - share), ('tax', tax)
    ) AS side(account, amount) WHERE {condition}
"""
_CHARGED = """
    INSERT INTO payments_ledgerentry (id, created_at, updated_at, transaction_id, account, amount)
    SELECT uuidv7({time} - now()), {time}, {time}, {key}, side.account, side.amount
    FROM bench_plan CROSS JOIN LATERAL (VALUES
        ('stripe_fees', {amount}), ('stripe', -{amount})
    ) AS side(account, amount) WHERE {condition}
"""
ENTRIES = [
    _SHARED.format(time="at", key="sale_id", sign="-1", condition=_SETTLED),
    _SHARED.format(
        time="(at + interval '5 days')", key="taken_id", sign="1", condition="fate = 'refunded'"
    ),
    _SHARED.format(
        time="(at + interval '8 days')", key="taken_id", sign="1",
        condition="fate IN ('lost', 'won')",
    ),
    _SHARED.format(
        time="(at + interval '15 days')", key="back_id", sign="-1", condition="fate = 'won'"
    ),
    _CHARGED.format(time="at", key="fee_id", amount="fee", condition=_SETTLED),
    _CHARGED.format(
        time="(at + interval '8 days')", key="cost_id", amount="15.00",
        condition="fate IN ('lost', 'won')",
    ),
]  # fmt: skip

# Each month what could be paid by then, up to the live window.
ACCOUNTS = """
    INSERT INTO payments_payoutaccount (id, created_at, updated_at, instructor_id,
        stripe_account_id, is_ready, details_submitted, next_look_at)
    SELECT uuidv7(), now(), now(), instructor_id, 'acct_' || row_number() OVER (), true, true,
           now() + interval '1 day'
    FROM (SELECT DISTINCT instructor_id FROM courses_course WHERE price > 0) instructors
"""
PAYOUT_PLAN = """
    CREATE UNLOGGED TABLE bench_payouts AS
    SELECT account.id AS account_id, account.instructor_id, paid.at, paid.amount,
           uuidv7(paid.at - now()) AS payout_id, uuidv7(paid.at - now()) AS planned_id,
           uuidv7(paid.at - now()) AS made_id, row_number() OVER () AS n
    FROM (
        SELECT entry.instructor_id, -sum(entry.amount) AS amount, least(
                   date_trunc('month', entry.available_at) + interval '1 month 1 day',
                   now() - interval '35 days') AS at
        FROM payments_ledgerentry entry
        WHERE entry.account = 'instructor' AND entry.available_at < now() - interval '36 days'
        GROUP BY 1, 3 HAVING sum(entry.amount) < 0
    ) paid JOIN payments_payoutaccount account ON account.instructor_id = paid.instructor_id
"""
PAYOUTS = [
    """
    INSERT INTO payments_payout (id, created_at, updated_at, account_id, amount, currency,
        destination, status, stripe_transfer_id, paid_at, attempts, next_attempt_at, last_error)
    SELECT payout_id, at, at, account_id, amount, 'usd', '', 'paid', 'tr_' || n, at, 1, at, ''
    FROM bench_payouts
    """,
    """
    INSERT INTO payments_ledgertransaction (id, created_at, updated_at, kind, reference, currency,
        occurred_at, payout_id)
    SELECT movement.id, at, at, movement.kind, movement.kind || ':' || payout_id, 'usd', at,
           payout_id
    FROM bench_payouts CROSS JOIN LATERAL (VALUES
        (planned_id, 'payout'), (made_id, 'payout_paid')) AS movement(id, kind)
    """,
    """
    INSERT INTO payments_ledgerentry (id, created_at, updated_at, transaction_id, account,
        instructor_id, amount, available_at)
    SELECT uuidv7(at - now()), at, at, side.movement_id, side.account,
           CASE side.account WHEN 'instructor' THEN instructor_id END, side.amount,
           CASE side.account WHEN 'instructor' THEN at END
    FROM bench_payouts CROSS JOIN LATERAL (VALUES
        (planned_id, 'instructor', amount), (planned_id, 'payouts', -amount),
        (made_id, 'payouts', amount), (made_id, 'stripe', -amount)
    ) AS side(movement_id, account, amount)
    """,
]

# What waits, as much in all sizes: orders that wait for their buyers, some with a payment under
# way, events, mail, and changes that no balance has taken in.
WAITING = [
    """
    INSERT INTO orders_order (id, created_at, updated_at, order_number, user_id, status,
        failure_reason, currency, subtotal, discount_amount, tax_amount, tax_lines, total_amount,
        refunded_amount, billing_address, payment_method, transaction_id, payment_id, expires_at,
        payment_in_progress_since)
    SELECT uuidv7(), now(), now(), 'ORD-WAITING-' || n, buyer.id, 'pending', '', 'usd',
           course.price, 0, 0, '[]', course.price, 0, '{}', '', '', '',
           now() + CASE WHEN n %% 5 = 0 THEN interval '-1 day' ELSE interval '1 day' END,
           CASE WHEN n %% 5 = 0 THEN now() END
    FROM generate_series(1, %(waiting)s) n
    JOIN users_user buyer ON buyer.email = 'buyer-' || n || '@example.com'
    CROSS JOIN (SELECT * FROM courses_course WHERE price > 0 ORDER BY id LIMIT 1) course
    """,
    """
    INSERT INTO orders_orderitem (id, created_at, updated_at, order_id, course_id, instructor_id,
        title_at_purchase, price_at_purchase, discount_amount, refunded_amount, state)
    SELECT uuidv7(), now(), now(), orders.id, course.id, course.instructor_id, course.title,
           course.price, 0, 0, 'pending'
    FROM orders_order orders
    CROSS JOIN (SELECT * FROM courses_course WHERE price > 0 ORDER BY id LIMIT 1) course
    WHERE orders.status = 'pending'
    """,
    """
    INSERT INTO payments_payment (id, created_at, updated_at, order_id, stripe_payment_id,
        stripe_charge_id, amount, currency, status, stripe_status, last_error_code,
        last_error_message, needs_attention, metadata, next_check_at)
    SELECT uuidv7(), now(), now(), id, 'pi_' || order_number, '', total_amount, 'usd', 'pending',
           'processing', '', '', '', '{}', now() + interval '1 day'
    FROM orders_order WHERE payment_in_progress_since IS NOT NULL
    """,
    """
    INSERT INTO payments_stripeevent (id, type, object_id, payload, status, created_at_stripe,
        received_at, handled_at, attempts, next_attempt_at, last_error)
    SELECT 'evt_' || n, 'payment_intent.succeeded', 'pi_' || n, '{}',
           CASE WHEN n %% 250 = 0 THEN 'dead' WHEN n %% 250 = 1 THEN 'received' ELSE 'handled' END,
           at, at, CASE WHEN n %% 250 > 1 THEN at END, 1, now() + interval '1 day', ''
    FROM bench_plan WHERE at > now() - interval '40 days'
    """,
    """
    WITH recorded AS (
        INSERT INTO core_outboxevent (id, name, payload, recorded_at)
        SELECT uuidv7(), 'order.completed', '{}', at
        FROM bench_plan WHERE at > now() - interval '30 days' RETURNING id, recorded_at
    )
    INSERT INTO core_outboxdelivery (id, event_id, handler, status, attempts, next_attempt_at,
        delivered_at, last_error)
    SELECT uuidv7(), id, 'none', 'delivered', 1, recorded_at, recorded_at, '' FROM recorded
    """,
    """
    INSERT INTO notifications_email (id, created_at, updated_at, dedupe_key, kind, user_id, "to",
        subject, text, html, status, attempts, next_attempt_at, sent_at, last_error)
    SELECT uuidv7(at - now()), at, at, 'receipt-' || n, 'receipt', user_id, 'buyer@example.com',
           'Your receipt', 'Thank you', '', 'sent', 1, at, at, '' FROM bench_plan
    """,
    """
    INSERT INTO payments_balancechange (currency, account, amount, entries, sales, sold, sent)
    SELECT 'usd', 'platform', CASE n %% 2 WHEN 0 THEN 1 ELSE -1 END, 0, 0, 0, 0
    FROM generate_series(1, 2000) n
    """,
    # What was written to and isn't verified yet, and up to when instructors' earnings were.
    """
    INSERT INTO payments_booktouch (kind, key)
    SELECT 'order', order_id FROM (
        SELECT order_id FROM bench_plan WHERE fate <> 'failed' ORDER BY n DESC LIMIT 500) newest
    UNION ALL SELECT 'payout', id FROM (
        SELECT id FROM payments_payout ORDER BY created_at DESC, id LIMIT 20) newest
    UNION ALL SELECT 'earner', instructor_id FROM (
        SELECT instructor_id FROM payments_payoutaccount ORDER BY instructor_id LIMIT 50) first
    """,
    """
    INSERT INTO payments_bookmark (name, until, amount)
    SELECT concat_ws(':', 'earned', entry.instructor_id, 'usd'), now() - interval '1 day',
           sum(entry.amount)
    FROM payments_ledgerentry entry
    WHERE entry.instructor_id IS NOT NULL AND entry.created_at <= now() - interval '1 day'
      AND entry.available_at <= now() - interval '1 day'
    GROUP BY entry.instructor_id
    """,
]
STUDENTS = """
    UPDATE courses_coursestats stats SET student_count = (
        SELECT count(*) FROM enrollments_enrollment enrollment
        WHERE enrollment.course_id = stats.course_id AND enrollment.status = 'active')
"""
SOLD = """
    UPDATE courses_coursestats stats SET sales_30_days = (
        SELECT count(*) FROM orders_orderitem line JOIN orders_order sold ON sold.id = line.order_id
        WHERE line.course_id = stats.course_id AND line.state = 'fulfilled'
          AND sold.completed_at > now() - interval '30 days')
"""
REVIEWED = """
    UPDATE courses_coursestats stats SET
        rating_count = counted.all_of_them, review_count = counted.all_of_them,
        rating_sum = counted.total, rating_1 = counted.ones, rating_2 = counted.twos,
        rating_3 = counted.threes, rating_4 = counted.fours, rating_5 = counted.fives
    FROM (
        SELECT course_id, count(*) AS all_of_them, sum(rating) AS total,
               count(*) FILTER (WHERE rating = 1) AS ones,
               count(*) FILTER (WHERE rating = 2) AS twos,
               count(*) FILTER (WHERE rating = 3) AS threes,
               count(*) FILTER (WHERE rating = 4) AS fours,
               count(*) FILTER (WHERE rating = 5) AS fives
        FROM reviews_review GROUP BY course_id
    ) counted WHERE counted.course_id = stats.course_id
"""
CATCH_UP = "SELECT payments_catch_balances_up()"
FOLD = """
    DELETE FROM payments_balancechange
    WHERE held_until IS NULL OR held_until <= now() - interval '1 hour'
"""
DONE = "DROP TABLE bench_plan, bench_payouts"

# Made anew from full tables, they take a fraction of what it takes to keep them up row by row.
SECONDARY_INDEXES = """
    SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
    FROM pg_index
    WHERE NOT indisunique AND indrelid::regclass::text ~
          '^(orders|payments|enrollments|notifications|reviews|core|users|cart)_'
    ORDER BY indexrelid::regclass::text
"""

WORLD = (
    PLAN, ORDERS, LINES, ENROLLMENTS, HOLDS, PAYMENTS, INVOICES, REFUNDS, DECISIONS,
    DEEDS, NOTICES, REVIEWS, SESSIONS, CARTS,
    REFUND_LINES, DISPUTES, CREDIT_NOTES, SERIES, SALE_LINES, *MOVEMENTS, *ENTRIES, ACCOUNTS,
    PAYOUT_PLAN, *PAYOUTS,
)  # fmt: skip
