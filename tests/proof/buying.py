"""Rules of buyers and teachers: carts, orders, payments, free courses, prices."""

import uuid
from contextlib import suppress
from dataclasses import replace
from typing import Literal

from hypothesis.stateful import initialize, precondition
from hypothesis.strategies import booleans, integers, lists, none, sampled_from

from enrollments.errors import AlreadyEnrolled
from enrollments.services import grant_access
from orders.models import Coupon
from tests.proof.market import PICK, WHO, Intent, Keyed, Market, act, minor
from tests.proof.model import Quote, Voucher, Ware, quote
from tests.proof.snapshot import Row, Snapshot
from tests.proof.world import Answer, Person

CARDS = (
    "pm_card_visa",
    "pm_card_mastercard",
    "pm_card_visa_chargeDeclined",
    "pm_card_authenticationRequired",
    "pm_usBankAccount_success",
    "pm_usBankAccount_insufficientFunds",
    "pm_usBankAccount_processing",
    "pm_card_pendingRefund",
    "pm_card_refundFail",
    "pm_card_createDispute",
    "pm_card_visa",
)
PRICES = ("0.00", "9.99", "20.00", "57.77")
COUPON = integers(0, 6)
# How the Idempotency-Key of a request comes to be.
KEYS = ("none", "none", "new", "again", "other body")


class Buying(Market):
    """From the cart to the payment."""

    @act(who=WHO, course=PICK)
    def put_in_cart(self, who: int, course: int) -> None:
        self._put_in_cart(self.world.buyers[who], self.pick(self.wares, course))

    def _put_in_cart(self, person: Person, ware: Ware) -> None:
        cart = self.now.cart_of(person.id)
        answer = self.world.call(person, "POST", "cart/items/", {"course_id": ware.id})
        if ware.id in self.now.owned_by(person.id):
            assert (answer.status, answer.code) == (409, "ALREADY_ENROLLED"), answer
        elif ware.id in self._being_paid(person):
            assert (answer.status, answer.code) == (409, "PAYMENT_IN_PROGRESS"), answer
        elif not ware.is_on_sale:
            assert answer.status == 404, answer
        elif ware.teacher == str(person.id):
            assert (answer.status, answer.code) == (403, "OWN_COURSE"), answer
        elif ware.id in self._withdrawn(person):
            assert (answer.status, answer.code) == (403, "ACCESS_WITHDRAWN"), answer
            self.count("withdrawn from the cart")
        else:
            assert answer.status == (200 if ware.id in cart else 201), answer

    @precondition(lambda self: self.now.cart)
    @act(who=WHO, what=sampled_from(("empty", "coupon", "coupon", "no coupon")), coupon=COUPON)
    def change_cart(self, who: int, what: str, coupon: int) -> None:
        person = self.world.buyers[who]
        if what == "coupon":
            self._put_coupon_on(person, self.vouchers[coupon])
            return
        path = "cart/" if what == "empty" else "cart/coupon/"
        assert self.world.call(person, "DELETE", path).status == 204

    @initialize(
        first=lists(PICK, min_size=1, max_size=3),
        second=lists(PICK, min_size=1, max_size=3),
        card=sampled_from(CARDS),
        line=integers(0, 7),
    )
    def open_the_shop(self, first: list[int], second: list[int], card: str, line: int) -> None:
        """No history begins with nothing. In some, Stripe's webhooks never get through."""
        self.is_cut_off = line == 7
        self.count("cut off" if self.is_cut_off else "connected")
        with self.spoiling():
            self.shop_once(0, first, None, CARDS[0])
            self.shop_once(1, second, self.vouchers[0], card)
            # The first step has to know of the payments that were begun.
            self.check()

    @act(
        who=WHO,
        courses=lists(PICK, min_size=1, max_size=3),
        coupon=none() | COUPON,
        card=sampled_from(CARDS) | none(),
    )
    def shop(self, who: int, courses: list[int], coupon: int | None, card: str | None) -> None:
        """The whole way up to the payment (or, with no card, to the till), as most go it."""
        self.shop_once(who, courses, None if coupon is None else self.vouchers[coupon], card)

    def shop_once(
        self, who: int, courses: list[int], voucher: Voucher | None, card: str | None
    ) -> None:
        person = self.world.buyers[who]
        for course in courses:
            ware = self.pick(self.wares, course)
            self.world.call(person, "POST", "cart/items/", {"course_id": ware.id})
        self.look()
        self.order_once(person, voucher, "none")
        order = self.look().open_order_of(person.id)
        if order is not None:
            self.start_once(order, "none")
            if card and self.intents and self.intents[-1].order_id == order["id"]:
                self.pay_once(self.intents[-1], card)

    @act(who=WHO, course=PICK, is_gift=booleans())
    def get_course(self, who: int, course: int, is_gift: bool) -> None:
        """Enrol without paying: oneself in a free course, or by staff in one of one's cart."""
        person, ware = self.world.buyers[who], self.pick(self.wares, course)
        if is_gift:
            self._give(person, self._cart(person) or [ware])
        else:
            self._enroll(person, ware)

    @precondition(lambda self: self._taken())
    @act(number=PICK, by_cart=booleans(), is_given_away=booleans())
    def want_it_back(self, number: int, by_cart: bool, is_given_away: bool) -> None:
        """Who lost a course by staff's decision tries to have it all the same, perhaps when its
        author asks nothing for it by now."""
        person, ware = self.pick(self._taken(), number)
        if is_given_away:
            ware = self._set_price(ware, "0.00")
        if by_cart:
            self._put_in_cart(person, ware)
        else:
            self._enroll(person, ware)

    def _taken(self) -> list[tuple[Person, Ware]]:
        return [
            (person, ware)
            for person in self.world.buyers
            for ware in self.wares
            if ware.id in self.now.withdrawn_from(person.id)
        ]

    def _give(self, person: Person, wares: list[Ware]) -> None:
        assert self.world.staff is not None
        with suppress(AlreadyEnrolled):
            grant_access(
                user_id=person.id,
                course_id=uuid.UUID(wares[0].id),
                actor_id=self.world.staff.id,
            )
            self.count("given")

    def _enroll(self, person: Person, ware: Ware) -> None:
        owned = ware.id in self.now.owned_by(person.id)
        answer = self.world.call(person, "POST", f"courses/{ware.id}/enroll/")
        if owned:
            assert (answer.status, answer.code) == (409, "ALREADY_ENROLLED"), answer
        elif ware.id in self._being_paid(person):
            assert (answer.status, answer.code) == (409, "PAYMENT_IN_PROGRESS"), answer
            self.count("being paid, not enrolled")
        elif not ware.is_on_sale:
            assert answer.status == 404, answer
        elif ware.teacher == str(person.id):
            assert (answer.status, answer.code) == (403, "OWN_COURSE"), answer
        elif ware.id in self._withdrawn(person):
            assert (answer.status, answer.code) == (403, "ACCESS_WITHDRAWN"), answer
            self.count("withdrawn from enrolling")
        else:
            assert answer.status == (402 if ware.price else 201), answer

    @precondition(lambda self: self.now.cart)
    @act(who=WHO, coupon=none() | COUPON, key=sampled_from(KEYS))
    def order(self, who: int, coupon: int | None, key: str) -> None:
        voucher = None if coupon is None else self.vouchers[coupon]
        self.order_once(self.world.buyers[who], voucher, key)

    def order_once(self, person: Person, named: Voucher | None, key: str) -> None:
        body = {} if named is None else {"coupon_code": named.code.lower()}
        voucher = named or self._on_cart(person)
        self.post(person, "orders/create-from-cart/", body, key, self._check_order(person, voucher))

    def _put_coupon_on(self, person: Person, voucher: Voucher) -> None:
        # What can't be bought is shown in the cart, and a coupon takes nothing off it.
        gone = self.now.owned_by(person.id) | self._being_paid(person) | self._withdrawn(person)
        cart = [
            ware
            for ware in self._cart(person)
            if ware.is_on_sale and ware.id not in gone and ware.teacher != str(person.id)
        ]
        expected = self._quote(person, cart, voucher)
        answer = self.world.call(person, "POST", "cart/coupon/", {"code": voucher.code})
        self.count(f"coupon {answer.status} {answer.code}")
        if expected.refusal:
            assert (answer.status, answer.code) == (422, "COUPON_INVALID"), (answer, expected)
        else:
            assert answer.status == 200, (answer, expected)
            assert minor(answer.body["discount_amount"]) == expected.discount, answer
            assert minor(answer.body["total_amount"]) == expected.total, answer

    @act(coupon=COUPON)
    def end_or_revive_coupon(self, coupon: int) -> None:
        """Staff may end a coupon at any moment, and take that back."""
        old = self.vouchers[coupon]
        new = replace(old, is_valid=not old.is_valid)
        if old.code != "OVER":
            Coupon.objects.filter(id=old.id).update(is_active=new.is_valid)
            self.vouchers[coupon] = new

    @precondition(lambda self: self.now.orders)
    @act(number=PICK, key=sampled_from(KEYS))
    def start_payment(self, number: int, key: str) -> None:
        self.start_once(self.pick(list(self.now.orders.values()), number), key)

    def start_once(self, order: Row, key: str) -> None:
        person = self.person(order["user_id"])
        path = "payments/create-payment-intent/"
        self.post(person, path, {"order_id": order["id"]}, key, self._check_start(order))

    @precondition(lambda self: self.intents)
    @act(number=PICK, card=sampled_from(CARDS))
    def pay(self, number: int, card: str) -> None:
        paid = {p["intent_id"] for p in self.now.payments.values() if p["status"] == "succeeded"}
        unpaid = [intent for intent in self.intents if intent.id not in paid]
        self.pay_once(self.pick(unpaid or self.intents, number), card)

    def pay_once(self, intent: Intent, card: str) -> None:
        answer = self.bank.pay(intent.id, intent.client_secret, card)
        self.count(f"paid by {card}: {answer.get('status', 'refused')}")

    @precondition(lambda self: self.intents)
    @act(number=PICK, passed=booleans())
    def authenticate(self, number: int, passed: bool) -> None:
        intent = self.pick(self.intents, number)
        if self.bank.intent(intent.id)["status"] == "requires_action":
            self.bank.standin.authenticate(intent.id, passed=passed)
            self.count("authenticated")

    @precondition(lambda self: self.intents)
    @act(number=PICK, succeeds=booleans())
    def end_debit(self, number: int, succeeds: bool) -> None:
        """The bank's word on a debit that is under way."""
        under_way = [i for i in self.bank.intents() if i["status"] == "processing"]
        if under_way:
            outcome: Literal["succeeded", "failed"] = "succeeded" if succeeds else "failed"
            self.bank.standin.settle_payment(self.pick(under_way, number)["id"], outcome)
            self.count(f"debit {outcome}")

    @precondition(lambda self: self.intents)
    @act(number=PICK)
    def confirm(self, number: int) -> None:
        intent = self.pick(self.intents, number)
        order = self.now.orders[intent.order_id]
        is_in_trouble = self.bank.is_in_trouble
        answer = self.ask_confirm(intent)
        if answer.status == 503 and is_in_trouble:
            return
        truth = self.bank.intent(intent.id)
        after = self.look().orders[order["id"]]
        if truth["amount"] != order["total"]:
            assert (answer.status, answer.code) == (400, "INVALID_PAYMENT"), answer
        elif truth["status"] != "succeeded":
            assert (answer.status, answer.body["status"]) == (200, truth["status"]), answer
        elif order["status"] == "failed" or after["payment_id"] != intent.id:
            assert (answer.status, answer.code) == (409, "ORDER_NOT_PAYABLE"), answer
        else:
            assert (answer.status, answer.body["status"]) == (200, "succeeded"), answer
            assert after["status"] in ("completed", "refunded"), after

    @act(course=PICK, price=sampled_from(PRICES) | none())
    def change_course(self, course: int, price: str | None) -> None:
        """Its author gives it another price, or takes it off sale and puts it back."""
        ware = self.pick(self.wares, course)
        if price is not None:
            self._set_price(ware, price)
            return
        answer = self._by_teacher(ware, "POST", "unpublish/" if ware.is_on_sale else "publish/")
        assert answer.status in (200, 204), answer
        self.wares[self.wares.index(ware)] = replace(ware, is_on_sale=not ware.is_on_sale)

    def _set_price(self, ware: Ware, price: str) -> Ware:
        answer = self._by_teacher(ware, "PATCH", "", {"price": float(price)})
        assert answer.status == 200, answer
        new = replace(ware, price=minor(price))
        self.wares[self.wares.index(ware)] = new
        return new

    # --- Help -----------------------------------------------------------------------------------

    def person(self, user_id: object) -> Person:
        return next(p for p in self.world.buyers if str(p.id) == str(user_id))

    def ask_confirm(self, intent: Intent) -> Answer:
        """Confirm without an opinion of the answer."""
        return self.world.call(
            self.person(self.now.orders[intent.order_id]["user_id"]),
            "POST",
            "payments/confirm-payment/",
            {"order_id": intent.order_id, "payment_intent_id": intent.id},
        )

    def post(self, person, path, body, mode, check) -> None:
        """Send it as `mode` says; `check` judges an answer that isn't a replay."""
        known = self.keyed.get((person.name, path))
        if known is None or mode not in ("again", "other body"):
            key = uuid.uuid4().hex if mode == "new" else None
            answer = self.world.call(person, "POST", path, body, key=key)
            if key and answer.status < 300:
                self.keyed[person.name, path] = (key, body, answer)
            check(answer)
            return
        key, first_body, _ = known
        if mode == "again":
            judge = self._check_again(person, path, known)
            judge(self.world.call(person, "POST", path, first_body, key=key))
            return
        other = {**first_body, "billing_address": {"country": "US"}, "x": "y"}
        answer = self.world.call(person, "POST", path, other, key=key)
        assert (answer.status, answer.code) == (409, "IDEMPOTENCY_KEY_REUSED"), answer

    def _check_again(self, person: Person, path: str, known: Keyed):
        """The first answer, to the letter. But an intent's says how far it is, and serves only as
        long as the order waits for it: after that the answer is what it is without a key."""
        key, first_body, first = known
        intent_id = first.body.get("payment_intent_id")
        if intent_id is None:

            def check_same(answer: Answer) -> None:
                assert answer.replayed, answer
                assert (answer.status, answer.body) == (first.status, first.body)

            return check_same
        order = self.now.orders[first_body["order_id"]]
        row = self.now.payment_of(intent_id)
        is_waited_for = order["status"] == "pending" and row and row["status"] == "pending"
        is_in_trouble = self.bank.is_in_trouble
        opens_nothing = self._opens_nothing(order)
        check_fresh = self._check_start(order)

        def check(answer: Answer) -> None:
            # Stripe is asked afterwards, as that ends its trouble: what is dead stays so.
            truth = self.bank.intent(intent_id)
            moves = truth["status"] in ("processing", "succeeded")
            is_dead = truth["status"] == "canceled" or (opens_nothing and not moves)
            serves = is_waited_for and not is_dead
            if not serves:
                assert not answer.replayed, answer
                check_fresh(answer)
                # A refusal frees the key.
                self.keyed.pop((person.name, path))
                if answer.status < 300:
                    self.keyed[person.name, path] = (key, first_body, answer)
                self.count(f"another answer under a key: {answer.status}")
            elif answer.status == 503:
                assert is_in_trouble, answer
            else:
                assert answer.replayed, answer
                told = {"status": truth["status"], "client_secret": truth["client_secret"]}
                assert (answer.status, answer.body) == (first.status, first.body | told)
                self.count(f"the same intent under a key: {truth['status']}")

        return check

    def _check_order(self, person: Person, voucher: Voucher | None):
        """Judge it by what is known here, and, where an order may have to go, by what Stripe says
        of its payment: that is asked before."""
        before = self.now
        pending = before.open_order_of(person.id)
        cart = self._cart(person)
        expected = self._quote(person, cart, voucher)
        told = self._told_of(pending)
        is_in_trouble = self.bank.is_in_trouble

        def check(answer: Answer) -> None:
            self.count(f"order {answer.status} {answer.code}")
            if self._is_answered_by_progress(before, person, cart, answer):
                return
            if told and self._is_answered_by_stripe(pending, told, is_in_trouble, answer):
                return
            same = pending is not None and self._is_same(pending, cart, voucher)
            # What was granted when the order was made still counts.
            if expected.refusal and not (same and expected.refusal == "COUPON_INVALID"):
                assert answer.code == expected.refusal, (answer, expected)
                return
            assert answer.status == (200 if same else 201), (answer, expected)
            assert (answer.body["id"] in before.orders) == same, answer
            if not expected.refusal:
                _check_amounts(answer, expected)

        return check

    def _is_answered_by_progress(
        self, before: Snapshot, person: Person, cart: list[Ware], answer: Answer
    ) -> bool:
        """Orders whose money is on its way come first: they are the answer, or in the way."""
        wanted = {ware.id for ware in cart}
        orders = [o for o in before.pending_orders_of(person.id) if o["is_in_progress"]]
        by_order = {order["id"]: before.courses_of(order["id"]) for order in orders}
        if wanted in by_order.values():
            assert answer.status == 200, answer
            assert by_order[answer.body["id"]] == wanted, answer
            assert answer.body["payment"]["status"] == "processing", answer
            return True
        shared = wanted & set().union(*by_order.values())
        if shared:
            assert (answer.status, answer.code) == (409, "PAYMENT_IN_PROGRESS"), answer
            named = answer.body["error"]["details"]["courses"]
            assert {course["course_id"] for course in named} == shared, answer
        return bool(shared)

    def _told_of(self, pending: Row | None) -> set[str]:
        """How the intents of the open order stand at Stripe, which may be news to us. While Stripe
        is in trouble nobody asks, as that would end it."""
        rows = [p for p in self.now.payments.values() if pending and p["order_id"] == pending["id"]]
        open_ids = [
            row["intent_id"]
            for row in rows
            if row["status"] == "pending" or row["stripe_status"] == "processing"
        ]
        if open_ids and self.bank.is_in_trouble:
            return {"unknown"}
        return {self.bank.intent(intent_id)["status"] for intent_id in open_ids}

    def _is_answered_by_stripe(
        self, pending: Row | None, told: set[str], is_in_trouble: bool, answer: Answer
    ) -> bool:
        """Where the open order might have had to go: not while its payment may be made."""
        assert pending is not None
        after = self.look().orders[pending["id"]]
        if answer.status == 503:
            assert is_in_trouble, answer
            assert after["status"] == "pending", after
            return True
        if "processing" in told:
            # It stands, and whatever is ordered is beside it.
            assert after["status"] == "pending", after
        elif "succeeded" in told:
            is_changed = any(i.id in self.changed_amounts for i in self.intents)
            assert after["status"] != "failed" or is_changed, after
        return bool(told & {"processing", "succeeded", "unknown"})

    def _being_paid(self, person: Person) -> set[str]:
        """The courses for which money of this person is on its way, as far as is known here."""
        orders = [o for o in self.now.pending_orders_of(person.id) if o["is_in_progress"]]
        return set().union(*(self.now.courses_of(order["id"]) for order in orders))

    def _withdrawn(self, person: Person) -> set[str]:
        """The free courses that staff took from this person, which stay away."""
        taken = self.now.withdrawn_from(person.id)
        return {ware.id for ware in self.wares if ware.id in taken and not ware.price}

    def _cart(self, person: Person) -> list[Ware]:
        by_id = {ware.id: ware for ware in self.wares}
        return [by_id[course] for course in self.now.cart_of(person.id)]

    def _on_cart(self, person: Person) -> Voucher | None:
        code = self.now.codes.get(str(person.id))
        return next((v for v in self.vouchers if v.code == code), None)

    def _quote(self, person: Person, cart: list[Ware], voucher: Voucher | None) -> Quote:
        """What the cart must come to, the person's own open order left out."""
        pending = self.now.open_order_of(person.id)
        uses = [
            row["user_id"]
            for row in self.now.redemptions
            if voucher is not None
            and row["coupon_id"] == voucher.id
            and (pending is None or row["order_id"] != pending["id"])
        ]
        return quote(
            cart=cart,
            buyer=str(person.id),
            owned=self.now.owned_by(person.id),
            withdrawn=self.now.withdrawn_from(person.id),
            voucher=voucher,
            uses=uses,
        )

    def _is_same(self, pending: Row, cart: list[Ware], voucher: Voucher | None) -> bool:
        if pending["is_overdue"] or pending["coupon_id"] != (voucher.id if voucher else None):
            return False
        lines = {line["course_id"]: line["price"] for line in self.now.lines_of(pending["id"])}
        return lines == {ware.id: ware.price for ware in cart}

    def _check_start(self, order: Row):
        is_in_trouble = self.bank.is_in_trouble
        opens_nothing = self._opens_nothing(order)
        rows = [p for p in self.now.payments.values() if p["order_id"] == order["id"]]
        open_ids = [row["intent_id"] for row in rows if row["status"] == "pending"]

        def check(answer: Answer) -> None:
            if answer.status == 503:
                assert is_in_trouble, answer
            elif order["status"] != "pending":
                assert (answer.status, answer.code) == (409, "ORDER_NOT_PAYABLE"), answer
            elif opens_nothing and not self._is_money_moving(open_ids):
                assert (answer.status, answer.code) == (409, "ORDER_NOT_PAYABLE"), answer
                named = answer.body["error"]["details"]["lines"]
                assert {line["course_id"] for line in named} == self.now.courses_of(order["id"])
                self.count("not asked for what would go back")
            else:
                assert answer.status in (200, 201), answer
                is_changed = answer.body["payment_intent_id"] in self.changed_amounts
                assert is_changed or answer.body["amount"] == order["total"], answer
                self._remember(order, answer)

        return check

    def _opens_nothing(self, order: Row) -> bool:
        """Whether all that would be paid for the order would go back."""
        owned = self.now.owned_by(order["user_id"])
        withdrawn = self.now.withdrawn_from(order["user_id"])
        return all(
            line["course_id"] in owned or (not line["price"] and line["course_id"] in withdrawn)
            for line in self.now.lines_of(order["id"])
        )

    def _is_money_moving(self, intent_ids: list[str]) -> bool:
        """Whether Stripe says that one of them is being paid, or was."""
        told = {self.bank.intent(intent_id)["status"] for intent_id in intent_ids}
        return bool(told & {"processing", "succeeded"})

    def _remember(self, order: Row, answer: Answer) -> None:
        intent = Intent(order["id"], answer.body["payment_intent_id"], answer.body["client_secret"])
        if answer.status == 200:
            assert intent in self.intents or self.now.payment_of(intent.id), answer
        if intent not in self.intents:
            self.intents.append(intent)

    def _by_teacher(self, ware: Ware, method: str, path: str, body=None) -> Answer:
        teachers = [self.world.author, *self.world.buyers]
        teacher = next(p for p in teachers if p is not None and str(p.id) == ware.teacher)
        return self.world.call(teacher, method, f"courses/{ware.id}/{path}", body)


def _check_amounts(answer: Answer, expected: Quote) -> None:
    body = answer.body
    assert minor(body["subtotal"]) == expected.subtotal, (body, expected)
    assert minor(body["discount_amount"]) == expected.discount, (body, expected)
    assert minor(body["total_amount"]) == expected.total, (body, expected)
    assert sum(minor(line["discount_amount"]) for line in body["items"]) == expected.discount
    assert body["status"] == ("pending" if expected.total else "completed"), body
