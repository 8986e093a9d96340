"""The cart and the wishlist: what somebody means to buy, now or later."""

from django.db import models

from core.models import BaseModel
from courses.models import Course
from users.models import User


class Cart(BaseModel):
    """A person's one cart."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="cart")
    # As it was typed in, in upper case; whether it applies is asked anew each time.
    coupon_code = models.CharField(max_length=50, blank=True, default="", db_default="")

    def __str__(self) -> str:
        return f"cart of {self.user_id}"


class CartItem(BaseModel):
    """A course in a cart, once."""

    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="items")
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["added_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["cart", "course"], name="cart_item_once"),
        ]

    def __str__(self) -> str:
        return f"{self.course_id} in {self.cart_id}"


class WishlistItem(BaseModel):
    """A course somebody saved for later, once."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="wishlist_items")
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-added_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "course"], name="wishlist_item_once"),
        ]
        indexes = [models.Index(fields=["user", "-added_at"], name="wishlist_mine")]

    def __str__(self) -> str:
        return f"{self.course_id} wished by {self.user_id}"
