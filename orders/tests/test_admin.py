"""What staff can do with orders."""

from decimal import Decimal

import pytest
from django.db import OperationalError, transaction
from django.utils import timezone

from core.ids import new_id
from core.models import AuditEntry
from orders import services
from orders.errors import OrderNotFound
from orders.models import Coupon, CreditNote, Invoice, Order
from orders.services import closing
from tests.admin_browser import AdminBrowser
from tests.factories import CourseFactory, OrderFactory, StaffFactory, UserFactory
from tests.factories.coupons import CouponFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff():
    client = AdminBrowser()
    client.force_login(StaffFactory.create())
    return client


def test_orders_can_be_found_and_read(staff, user, place, pay):
    order = place(user, "10.00", "20.00")
    pay(order, payment_id="pi_needle")
    stranger = UserFactory.create(first_name="Some", last_name="Body")
    OrderFactory.create(order_number="ORD-1999-99999", user=stranger)
    invoice = Invoice.objects.get()
    needles = (order.order_number, user.email, user.email[:-3], invoice.number, "pi_needle")
    for needle in needles:
        page = staff.get("/admin/orders/order/", {"q": needle}).content.decode()
        assert order.order_number in page
        assert "ORD-1999-99999" not in page
    page = staff.get(f"/admin/orders/order/{order.id}/change/").content.decode()
    assert "pi_needle" in page
    assert invoice.number in page
    assert order.items.first().title_at_purchase in page
    assert 'name="total_amount"' not in page


def test_an_order_and_its_papers_are_read_as_people_write_them(staff, user, place, pay, settings):
    settings.TAX_RULE = "orders.taxes.rate_by_country"
    settings.TAX_RATES = {"DE": Decimal("19")}
    settings.SELLER_ADDRESS = "1 Example Street\nLondon"
    address = {"first_name": "Ada", "last_name": "<Fox>", "city": "Ulm", "country": "DE"}
    order = place(user, "10.00", billing_address=address)
    pay(order)
    with transaction.atomic():
        facts = {
            "order_id": order.id,
            "refund_id": new_id(),
            "lines": {order.items.get().id: Decimal("11.90")},
            "rest": Decimal("0"),
        }
        services.apply_refund(**facts)
        services.issue_credit_note(**facts)
    invoice, note = Invoice.objects.get(), CreditNote.objects.get()
    pages = {
        kind: staff.get(f"/admin/orders/{kind}/{row.id}/change/").content.decode()
        for kind, row in (("order", order), ("invoice", invoice), ("creditnote", note))
    }
    for kind in ("order", "invoice"):
        assert "<div>Ada &lt;Fox&gt;</div><div>Ulm</div><div>DE</div>" in pages[kind]
        assert "<div>Tax DE (19 %): 1.90 USD</div>" in pages[kind]
        assert "11.90\N{NO-BREAK SPACE}USD" in pages[kind]
    assert "<div>1 Example Street</div><div>London</div>" in pages["invoice"]
    assert note.number in pages["invoice"]
    title = order.items.get().title_at_purchase
    assert f"<div>{title}: 10.00 USD</div>" in pages["invoice"]
    assert f"<div>{title}: 11.90 USD</div>" in pages["creditnote"]
    assert f'/creditnote/{note.id}/pdf/"' in pages["creditnote"]
    assert "Revoked" in pages["order"], "the access it opened"


def test_orders_and_invoices_cannot_be_added_changed_or_deleted(staff, user, place, pay):
    order = place(user, "10.00")
    pay(order)
    invoice = Invoice.objects.get()
    for model, pk in (("order", order.id), ("invoice", invoice.id)):
        assert staff.get(f"/admin/orders/{model}/add/").status_code == 403
        assert staff.post(f"/admin/orders/{model}/{pk}/delete/").status_code == 403
        changed = staff.post(f"/admin/orders/{model}/{pk}/change/", {"total_amount": "1"})
        assert changed.status_code == 403
    order.refresh_from_db()
    assert order.total_amount == Decimal("10.00")


def test_closing_pending_orders(staff, user, place, pay):
    paid = place(UserFactory.create(), "10.00")
    pay(paid)
    pending = place(user, "10.00")
    chosen = {"action": "close_pending", "_selected_action": [str(paid.id), str(pending.id)]}
    page = staff.post("/admin/orders/order/", chosen, follow=True).content.decode()
    assert "1 orders closed." in page
    assert "1 orders were not pending" in page
    assert Order.objects.get(id=pending.id).failure_reason == "canceled"
    assert Order.objects.get(id=paid.id).status == "completed"


def test_closing_orders_is_audited(staff, user, place):
    order = place(user, "10.00")
    chosen = {"action": "close_pending", "_selected_action": [str(order.id)]}
    staff.post("/admin/orders/order/", chosen)
    entry = AuditEntry.objects.get(target_type="order", target_id=str(order.id))
    assert entry.actor_id is not None
    changes = entry.details["changes"][f"order:{order.id}"]
    assert changes["status"] == ["pending", "failed"]
    assert changes["failure_reason"] == ["", "canceled"]


def close(staff, *orders):
    """Close them in the order of their keys."""
    chosen = {"action": "close_pending", "_selected_action": [str(order.id) for order in orders]}
    return staff.post("/admin/orders/order/", chosen, follow=True).content.decode()


def list_closed(entries):
    return {entry.target_id for entry in entries if entry.action == "order.close_pending"}


@pytest.mark.parametrize("trouble", [OperationalError("gone"), OrderNotFound()], ids=repr)
def test_one_that_cannot_be_closed_does_not_end_the_rest(staff, place, monkeypatch, trouble):
    orders = [place(UserFactory.create(), "10.00") for _ in range(3)]
    monkeypatch.setattr(closing, "lock_order", fail_once(orders[1], trouble))
    page = close(staff, *orders)
    assert f"{orders[1].order_number} stays open: " in page
    assert "2 orders closed." in page
    closed = {str(orders[0].id), str(orders[2].id)}
    assert list_closed(AuditEntry.objects.all()) == closed
    failed = Order.objects.filter(status="failed").values_list("id", flat=True)
    assert set(map(str, failed)) == closed


def fail_once(order, trouble):
    def lock(*, order_id):
        if order_id == order.id:
            raise trouble
        return lock_order(order_id=order_id)

    lock_order = closing.lock_order
    return lock


def test_nothing_that_happened_to_a_chosen_order_meanwhile_is_put_down_to_staff(
    staff, place, pay, monkeypatch
):
    first, paid, expired = (place(UserFactory.create(), "10.00") for _ in range(3))
    close_order = services.close_order

    def close_late(*, order_id, reason, actor_id, seconds):
        if order_id == first.id:
            pay(paid)
            Order.objects.filter(id=expired.id).update(expires_at=timezone.now())
            assert close_order(order_id=expired.id, reason="expired")
            Order.objects.filter(id=first.id).update(payment_method="card")
        return close_order(order_id=order_id, reason=reason, actor_id=actor_id, seconds=seconds)

    monkeypatch.setattr(services, "close_order", close_late)
    close(staff, first, paid, expired)
    entry = AuditEntry.objects.get(target_type="order")
    assert entry.target_id == str(first.id)
    assert entry.details["changes"][f"order:{first.id}"].keys() == {"status", "failure_reason"}


def test_an_order_is_closed_only_with_its_entry(staff, user, place, monkeypatch):
    order = place(user, "10.00")

    def fail(**columns):
        raise OperationalError("no room")

    monkeypatch.setattr(AuditEntry.objects, "create", fail)
    assert "stays open" in close(staff, order)
    assert Order.objects.get(id=order.id).status == "pending"


@pytest.mark.parametrize("count", [1, 20])
def test_the_lists_take_a_fixed_number_of_queries(staff, count, django_assert_num_queries):
    OrderFactory.create_batch(count)
    CouponFactory.create_batch(count)
    with django_assert_num_queries(6):
        staff.get("/admin/orders/order/")
    with django_assert_num_queries(7):
        staff.get("/admin/orders/coupon/")


def test_an_instructors_coupon_is_for_their_course(staff):
    course = CourseFactory.create()
    form = {"code": "MINE", "percent_off": "20", "is_active": "on", "course": str(course.id)}
    page = staff.post(
        "/admin/orders/coupon/add/", {**form, "instructor": str(StaffFactory.create().id)}
    )
    assert "teach the course" in page.content.decode()
    assert not Coupon.objects.exists()
    staff.post("/admin/orders/coupon/add/", {**form, "instructor": str(course.instructor_id)})
    assert Coupon.objects.get().instructor == course.instructor


def test_uses_of_a_coupon_can_be_looked_up(staff, user, place):
    CouponFactory.create(code="TEN")
    mine = place(user, "10.00", coupon_code="TEN")
    CouponFactory.create(code="OTHER")
    others = place(UserFactory.create(), "10.00", coupon_code="OTHER")
    coupon = Coupon.objects.get(code="TEN")
    address = f"/admin/orders/couponredemption/?coupon__id__exact={coupon.id}"
    assert address in staff.get("/admin/orders/coupon/").content.decode()
    page = staff.get(address).content.decode()
    assert mine.order_number in page
    assert others.order_number not in page
    assert staff.get("/admin/orders/couponredemption/add/").status_code == 403


def test_deactivating_coupons(staff):
    chosen = CouponFactory.create_batch(2)
    CouponFactory.create(code="KEPT")
    action = {"action": "deactivate", "_selected_action": [str(one.id) for one in chosen]}
    page = staff.post("/admin/orders/coupon/", action, follow=True).content.decode()
    assert "2 coupons deactivated." in page
    assert Coupon.objects.get(is_active=True).code == "KEPT"


def test_a_used_coupon_cannot_be_deleted(staff, user, place):
    CouponFactory.create(code="TEN")
    place(user, "10.00", coupon_code="TEN")
    coupon = Coupon.objects.get()
    staff.post(f"/admin/orders/coupon/{coupon.id}/delete/", {"post": "yes"})
    assert Coupon.objects.exists()
    assert ">1<" in staff.get("/admin/orders/coupon/").content.decode()
