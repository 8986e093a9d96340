"""Every route of /api/v1/, in one table."""

from django.urls import include, path

from api.urls_health import health
from enrollments import views as enrollment_views
from cart import views as cart_views
from orders import views as order_views

urlpatterns = [
    # --- Accounts (plan 4.2) ---
    # --- Profile (plan 4.9) ---
    # --- Catalogue and search (plan 4.3, 4.10) ---
    # --- Reviews (plan 4.3) ---
    # --- Cart and wishlist (plan 4.4) ---
    path("cart/", cart_views.CartView.as_view(), name="cart"),
    path("cart/items/", cart_views.CartItemsView.as_view(), name="cart-items"),
    path("cart/items/<uuid:item_id>/", cart_views.CartItemView.as_view(), name="cart-item"),
    path("cart/merge/", cart_views.CartMergeView.as_view(), name="cart-merge"),
    path("wishlist/", cart_views.WishlistView.as_view(), name="wishlist"),
    path("wishlist/items/", cart_views.WishlistItemsView.as_view(), name="wishlist-items"),
    path(
        "wishlist/items/<uuid:item_id>/",
        cart_views.WishlistItemView.as_view(),
        name="wishlist-item",
    ),
    path(
        "wishlist/items/<uuid:item_id>/move-to-cart/",
        cart_views.MoveToCartView.as_view(),
        name="wishlist-item-move-to-cart",
    ),
    # --- Orders (plan 4.5) ---
    path("orders/", order_views.OrdersView.as_view(), name="order-list"),
    path(
        "orders/create-from-cart/",
        order_views.CreateFromCartView.as_view(),
        name="order-create-from-cart",
    ),
    path("orders/<uuid:order_id>/", order_views.OrderView.as_view(), name="order-detail"),
    # --- Payments (plan 4.6) ---
    # --- Learning and certificates (plan 4.7) ---
    path("enrollments/", enrollment_views.EnrollmentListView.as_view(), name="enrollment-list"),
    path(
        "enrollments/<uuid:enrollment_id>/",
        enrollment_views.EnrollmentView.as_view(),
        name="enrollment-detail",
    ),
    path(
        "enrollments/<uuid:enrollment_id>/mark-lesson-complete/",
        enrollment_views.MarkLessonCompleteView.as_view(),
        name="enrollment-mark-lesson-complete",
    ),
    path(
        "enrollments/<uuid:enrollment_id>/lessons/<uuid:lesson_id>/completion/",
        enrollment_views.LessonCompletionView.as_view(),
        name="enrollment-lesson-completion",
    ),
    path(
        "enrollments/<uuid:enrollment_id>/lessons/<uuid:lesson_id>/progress/",
        enrollment_views.LessonProgressView.as_view(),
        name="enrollment-lesson-progress",
    ),
    path(
        "courses/<str:course_id>/enroll/",
        enrollment_views.EnrollView.as_view(),
        name="course-enroll",
    ),
    path("lessons/<uuid:lesson_id>/", enrollment_views.LessonView.as_view(), name="lesson-detail"),
    path(
        "certificates/<str:serial>/",
        enrollment_views.CertificateView.as_view(),
        name="certificate-detail",
    ),
    path(
        "certificates/<str:serial>/download/",
        enrollment_views.CertificateDownloadView.as_view(),
        name="certificate-download",
    ),
    # --- Dashboard (plan 4.8) ---
    # --- Health ---
    path("health/", include(health)),
]
