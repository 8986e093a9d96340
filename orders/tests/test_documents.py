"""Receipts and credit notes: what they state, who may have them, and that tax adds up."""

import datetime as dt
import io
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from core.ids import new_id
from courses.models import Course
from orders import selectors, services
from orders.documents import (
    DocumentFacts,
    DocumentLine,
    Kind,
    Party,
    Sum,
    find_unprintable,
    render_document,
)
from orders.models import CreditNote, Invoice, Order
from tests.emptying import unguarded
from tests.factories import StaffFactory, UserFactory, sign_in

FACTS = DocumentFacts(
    kind=Kind.RECEIPT,
    number="INV-2026-00042",
    issued_on=dt.date(2026, 1, 27),
    seller=Party(name="LearnFlow Inc.", address=("1 Example Street",), tax_id="US-1"),
    buyer=Party(name="Ada Lovelace", address=("2 Mill Lane", "", "GB")),
    references=(("Order", "ORD-2026-00051"),),
    lines=(
        DocumentLine(title="Engines", price=Decimal(90), discount=Decimal(9), amount=Decimal(81)),
    ),
    sums=(Sum(label="Subtotal", amount=Decimal(90)), Sum(label="Discount", amount=Decimal(-9))),
    total=Sum(label="Total paid", amount=Decimal(81)),
    currency="usd",
)


def read(pdf: bytes) -> str:
    pages = PdfReader(io.BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


@pytest.fixture
def paid(user, place, pay, settings):
    """A paid order of 10.00 and 20.00, taxed at 19 %."""
    settings.TAX_RULE = "orders.taxes.rate_by_country"
    settings.TAX_RATES = {"DE": Decimal(19)}
    settings.SELLER_ADDRESS = "1 Example Street\nBerlin"
    order = place(user, "10.00", "20.00", country="DE")
    pay(order)
    order.refresh_from_db()
    return order


@pytest.fixture
def place(fill):
    """Order courses of the given prices to a country; returns the order."""

    def place_order(user, *prices, country=""):
        fill(user, *prices)
        address = {"first_name": "Ada", "last_name": "Lovelace", "country": country}
        created = services.create_from_cart(
            user_id=user.id, billing_address=address if country else {}, coupon_code=None
        )
        return Order.objects.get(id=created.order_id)

    return place_order


def refund(order, lines=None, rest="0"):
    refund_id = new_id()
    with transaction.atomic():
        for take in (services.apply_refund, services.issue_credit_note):
            take(order_id=order.id, refund_id=refund_id, lines=lines or {}, rest=Decimal(rest))
    return refund_id


def test_a_document_states_its_facts_on_pages_of_its_own():
    text = read(render_document(FACTS))
    for fact in ("Receipt", "INV-2026-00042", "27 January 2026", "LearnFlow Inc.", "Tax ID: US-1",
                 "Ada Lovelace", "2 Mill Lane", "Engines", "USD -9.00", "USD 81.00"):  # fmt: skip
        assert fact in text
    assert render_document(FACTS) == render_document(FACTS)


def test_a_hundred_lines_take_several_pages_and_none_is_lost():
    lines = tuple(DocumentLine(title=f"Course {n}.", amount=Decimal(n)) for n in range(1, 101))
    pdf = render_document(
        DocumentFacts(**{name: getattr(FACTS, name) for name in FACTS.__slots__} | {"lines": lines})
    )
    assert len(PdfReader(io.BytesIO(pdf)).pages) > 1
    text = read(pdf)
    assert all(f"Course {n}. " in text for n in range(1, 101))


@pytest.mark.parametrize("above", range(8))
@pytest.mark.parametrize("letter", ["W", "x ", "名"])
def test_no_title_runs_into_the_foot_of_its_page(above, letter):
    line = DocumentLine(title=letter * (255 // len(letter)), amount=Decimal(1))
    references = tuple((f"Reference {n}", "X") for n in range(above))
    changed = {"lines": (line,) * 12, "references": references, "notes": (line.title,) * 3}
    pdf = render_document(
        DocumentFacts(**{name: getattr(FACTS, name) for name in FACTS.__slots__} | changed)
    )
    heights: set[float] = set()

    def note_height(text, _, matrix, *__):
        if text.strip():
            heights.add(round(matrix[5]))

    for page in PdfReader(io.BytesIO(pdf)).pages:
        page.extract_text(visitor_text=note_height)
    foot, *rest = sorted(heights)
    assert foot == 46
    assert min(rest) >= 84


@pytest.mark.django_db
def test_the_receipt_is_as_it_was_paid_whatever_changes_later(paid, settings):
    settings.SELLER_ADDRESS = "elsewhere"
    sold = paid.items.first().title_at_purchase
    Course.objects.update(title="Another title")
    name, pdf = selectors.get_receipt(order_id=paid.id, user_id=paid.user_id)
    invoice = Invoice.objects.get(order=paid)
    assert name == f"{invoice.number}.pdf"
    text = read(pdf)
    for fact in ("Berlin", "Ada Lovelace", sold, paid.order_number, "USD 30.00", "Tax DE (19 %)",
                 "USD 5.70", "USD 35.70", paid.transaction_id):  # fmt: skip
        assert fact in text


@pytest.mark.django_db
def test_a_free_order_has_a_receipt_and_a_pending_one_has_none(user, place, pay):
    free = place(user, "0.00")
    assert "Nothing had to be paid" in read(
        selectors.get_receipt(order_id=free.id, user_id=user.id)[1]
    )
    pending = place(user, "10.00")
    answer = sign_in(user).get(f"/api/v1/orders/{pending.id}/receipt/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "RECEIPT_NOT_FOUND")


@pytest.mark.django_db
def test_each_refund_has_one_note_and_the_tax_adds_up(paid, django_assert_num_queries):
    first, second = selectors.list_order_lines(order_id=paid.id)
    refund(paid, {first.id: Decimal("11.90")})
    refund(paid, {second.id: Decimal("10.00")})
    refund(paid, rest="13.80")
    notes = list(CreditNote.objects.order_by("number"))
    assert [(note.total_amount, note.tax_amount) for note in notes] == [
        (Decimal("11.90"), Decimal("1.90")),
        (Decimal("10.00"), Decimal("1.60")),
        (Decimal("13.80"), Decimal("2.20")),
    ]
    assert sum(note.tax_amount for note in notes) == Decimal("5.70")
    year = notes[0].issued_at.year
    assert [note.number for note in notes] == [f"CN-{year}-{n:05d}" for n in (1, 2, 3)]


@pytest.mark.django_db
@pytest.mark.parametrize("prices", [("3.33", "3.33", "3.33"), ("0.03", "0.03", "0.47")])
def test_lines_named_after_money_of_no_line_take_the_last_cent_of_the_tax(
    user, place, pay, settings, prices
):
    """Each line's own tax and a share in proportion are rounded apart: the last note evens out."""
    settings.TAX_RULE = "orders.taxes.rate_by_country"
    settings.TAX_RATES = {"DE": Decimal(19)}
    order = place(user, *prices, country="DE")
    pay(order)
    for unnamed in order.items.all():
        with transaction.atomic():
            refund(order, rest=str(unnamed.paid_amount))
            named = order.items.exclude(id=unnamed.id)
            refund(order, {item.id: item.paid_amount for item in named})
            notes = list(CreditNote.objects.all())
            assert sum(note.tax_amount for note in notes) == order.tax_amount
            for note in notes:
                parts = [(Decimal(line["tax"]), Decimal(line["amount"])) for line in note.lines]
                assert sum(tax for tax, _ in parts) == note.tax_amount
                assert all(0 <= tax <= amount for tax, amount in parts)
            transaction.set_rollback(True)


@pytest.mark.django_db
def test_a_refund_that_is_rolled_back_leaves_no_gap(paid):
    class RolledBackError(Exception):
        pass

    def fail():
        with transaction.atomic():
            refund(paid, rest="1.00")
            assert CreditNote.objects.exists()
            raise RolledBackError

    with pytest.raises(RolledBackError):
        fail()
    refund(paid, rest="1.00")
    assert CreditNote.objects.get().number.endswith("-00001")


@pytest.mark.django_db
def test_a_refund_that_fails_at_the_bank_makes_its_note_void(paid):
    refund_id = refund(paid, rest="35.70")
    with transaction.atomic():
        services.undo_refund(
            order_id=paid.id, refund_id=refund_id, amount=Decimal("35.70"), still_back={}
        )
    note = CreditNote.objects.get()
    assert note.voided_at is not None
    _, pdf = selectors.get_credit_note(order_id=paid.id, number=note.number, user_id=None)
    assert "Void: the refund it is for failed at the bank" in read(pdf)
    assert "goes back" not in read(pdf)
    refund(paid, rest="35.70")
    again = CreditNote.objects.get(voided_at=None)
    assert (again.total_amount, again.tax_amount) == (Decimal("35.70"), Decimal("5.70"))


def run(statement):
    with transaction.atomic(), connection.cursor() as cursor:
        # What is deferred has to be over before a table can be emptied.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement)


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["orders_invoice", "orders_creditnote"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET number = 'INV-2026-77777'",
        "UPDATE {} SET issued_at = issued_at - interval '1 month'",
        "UPDATE {} SET lines = '[]', updated_at = now()",
        "DELETE FROM {}",
        "TRUNCATE {} CASCADE",
    ],
)
def test_what_was_issued_is_never_changed(paid, table, statement):
    refund(paid, rest="3.57")
    with pytest.raises(DatabaseError, match="documents are append-only"):
        run(statement.format(table))


@pytest.mark.django_db
def test_a_note_becomes_void_once_and_stays_so(paid):
    refund(paid, rest="3.57")
    with pytest.raises(DatabaseError, match="documents are append-only"):
        run("UPDATE orders_creditnote SET voided_at = now(), total_amount = 1")
    run("UPDATE orders_creditnote SET voided_at = now()")
    for after in ("NULL", "now() + interval '1 day'"):
        with pytest.raises(DatabaseError, match="documents are append-only"):
            run(f"UPDATE orders_creditnote SET voided_at = {after}")


@pytest.mark.django_db
def test_notes_are_listed_and_downloaded_by_buyer_and_staff_alone(paid, user):
    refund(paid, rest="3.57")
    note = CreditNote.objects.get()
    base = f"/api/v1/orders/{paid.id}"
    for client in (sign_in(user), sign_in(StaffFactory.create())):
        (row,) = client.get(f"{base}/credit-notes/").json()["results"]
        assert (row["number"], row["total_amount"], row["tax_amount"]) == (note.number, 3.57, 0.57)
        answer = client.get(f"{base}/credit-notes/{note.number}/")
        assert answer["Content-Type"] == "application/pdf"
        assert answer["Content-Disposition"] == f'attachment; filename="{note.number}.pdf"'
        assert answer["Cache-Control"] == "private, no-store"
        assert note.number in read(answer.content)
        assert "Tax DE (19 %)" in read(answer.content)
        assert "Paid by" in read(client.get(f"{base}/receipt/").content)
        for number in ("CN-1999-00001", "%00"):
            unknown = client.get(f"{base}/credit-notes/{number}/")
            assert unknown.json()["error"]["code"] == "CREDIT_NOTE_NOT_FOUND"
    stranger = sign_in(UserFactory.create())
    for path in ("/receipt/", "/credit-notes/", f"/credit-notes/{note.number}/"):
        answer = stranger.get(base + path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ORDER_NOT_FOUND")


@pytest.mark.django_db
def test_staff_see_documents_in_the_admin(paid, client):
    refund(paid, rest="3.57")
    client.force_login(StaffFactory.create())
    note, invoice = CreditNote.objects.get(), Invoice.objects.get()
    for kind, document in (("creditnote", note), ("invoice", invoice)):
        page = client.get(f"/admin/orders/{kind}/").content.decode()
        address = f"/admin/orders/{kind}/{document.id}/pdf/"
        assert address in page
        assert document.number in read(client.get(address).content)
        assert client.get(f"/admin/orders/{kind}/{new_id()}/pdf/").status_code == 404
    client.force_login(StaffFactory.create(is_superuser=False))
    assert client.get(address).status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize("odd", ["अमित", "ที่", "Ada 🐍"])
def test_what_cannot_be_printed_is_held_back_and_shown_to_staff(
    paid, user, client, monkeypatch, odd
):
    refund(paid, rest="3.57")
    with unguarded():
        Invoice.objects.update(billing_address={"first_name": odd, "country": "DE"})
    note, invoice = CreditNote.objects.get(), Invoice.objects.get()
    base = f"/api/v1/orders/{paid.id}"
    for path in ("/receipt/", f"/credit-notes/{note.number}/"):
        answer = sign_in(user).get(base + path)
        told = answer.json()["error"]
        assert (answer.status_code, told["code"]) == (409, "DOCUMENT_HELD_BACK")
        assert all(letter in odd for letter in told["details"]["characters"])
    client.force_login(StaffFactory.create())
    for kind, document in (("creditnote", note), ("invoice", invoice)):
        page = client.get(f"/admin/orders/{kind}/").content.decode()
        assert f"{document.number} is held back: no font has " in page
        address = f"/admin/orders/{kind}/{document.id}/"
        answer = client.get(f"{address}pdf/")
        assert (answer.status_code, answer["Location"]) == (302, f"{address}change/")
        assert "is held back" in client.get(answer["Location"]).content.decode()
    # As soon as it can be printed, it is.
    monkeypatch.setattr("orders.documents.printable.find_unsettable", lambda *_, **__: ())
    assert paid.order_number in read(sign_in(user).get(f"{base}/receipt/").content)


def test_a_title_may_lack_its_symbols_and_a_name_nothing():
    title = replace(FACTS.lines[0], title="Learn 🐍")
    assert find_unprintable(replace(FACTS, lines=(title,))) == ()
    assert find_unprintable(replace(FACTS, lines=(replace(title, title="अ"),))) == ("अ",)
    assert find_unprintable(replace(FACTS, seller=Party(name="LearnFlow 🐍"))) == ("🐍",)
    assert find_unprintable(replace(FACTS, buyer=Party(name="Ada", address=("नगर",)))) == (
        "न", "ग", "र",
    )  # fmt: skip


@pytest.mark.django_db
def test_an_invoice_and_a_note_take_a_fixed_number_of_queries(paid, django_assert_num_queries):
    refund(paid, rest="1.00")
    number = CreditNote.objects.get().number
    with django_assert_num_queries(2):
        selectors.get_receipt(order_id=paid.id, user_id=paid.user_id)
    with django_assert_num_queries(2):
        selectors.list_credit_notes(order_id=paid.id, user_id=paid.user_id)
    with django_assert_num_queries(2):
        selectors.get_credit_note(order_id=paid.id, number=number, user_id=paid.user_id)


@pytest.mark.django_db
@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(parts=st.lists(st.integers(min_value=1, max_value=900), max_size=6))
def test_whatever_goes_back_bit_by_bit_all_of_the_tax_is_credited_in_the_end(paid, parts):
    with transaction.atomic():
        before = transaction.savepoint()
        for part in parts:
            paid.refresh_from_db()
            left = paid.total_amount - paid.refunded_amount
            refund(paid, rest=str(min(Decimal(part) / 100, left)))
        paid.refresh_from_db()
        left = paid.total_amount - paid.refunded_amount
        if left:
            refund(paid, rest=str(left))
        notes = list(CreditNote.objects.all())
        assert sum(note.total_amount for note in notes) == Decimal("35.70")
        assert sum(note.tax_amount for note in notes) == Decimal("5.70")
        assert all(0 <= note.tax_amount <= note.total_amount for note in notes)
        transaction.savepoint_rollback(before)
