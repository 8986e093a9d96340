"""Every route of /api/v1/, in one table."""

from django.urls import include, path

from api.urls_health import health
from api.v1 import authoring, dashboard
from api.v1 import cart as cart_page
from api.v1.catalogue import views as catalogue_views
from api.v1.search import views as search_views
from cart import views as cart_views
from courses import views as course_views
from courses.views import files as course_file_views
from enrollments import views as enrollment_views
from orders import views as order_views
from payments import views as payment_views
from reviews import views as review_views
from users import views as users_views

urlpatterns = [
    # --- Accounts (plan 4.2) ---
    path("auth/register/", users_views.RegisterView.as_view(), name="auth-register"),
    path("auth/login/", users_views.LoginView.as_view(), name="auth-login"),
    path("auth/refresh/", users_views.RefreshView.as_view(), name="auth-refresh"),
    path("auth/logout/", users_views.LogoutView.as_view(), name="auth-logout"),
    path("auth/me/", users_views.MeView.as_view(), name="auth-me"),
    path("auth/verify-email/", users_views.VerifyEmailView.as_view(), name="auth-verify-email"),
    path(
        "auth/verify-email/resend/",
        users_views.ResendVerificationView.as_view(),
        name="auth-verify-email-resend",
    ),
    path(
        "auth/password-reset/", users_views.PasswordResetView.as_view(), name="auth-password-reset"
    ),
    path(
        "auth/password-reset/confirm/",
        users_views.PasswordResetConfirmView.as_view(),
        name="auth-password-reset-confirm",
    ),
    path("auth/sessions/", users_views.SessionListView.as_view(), name="auth-sessions"),
    path(
        "auth/sessions/<uuid:session_id>/",
        users_views.SessionView.as_view(),
        name="auth-session",
    ),
    # --- Profile (plan 4.9) ---
    path("users/profile/", users_views.ProfileView.as_view(), name="user-profile"),
    path(
        "users/profile/picture/",
        users_views.ProfilePictureView.as_view(),
        name="user-profile-picture",
    ),
    path(
        "users/change-password/",
        users_views.ChangePasswordView.as_view(),
        name="user-change-password",
    ),
    # --- Catalogue and search (plan 4.3, 4.10) ---
    path("categories/", catalogue_views.CategoriesView.as_view(), name="category-list"),
    path("courses/", authoring.CoursesEndpoint.as_view(), name="course-list"),
    path(
        "courses/featured/", catalogue_views.FeaturedCoursesView.as_view(), name="course-featured"
    ),
    path(
        "courses/related/<str:reference>/",
        catalogue_views.RelatedCoursesView.as_view(),
        name="course-related",
    ),
    path("courses/import/", course_file_views.CourseImportView.as_view(), name="course-import"),
    path(
        "courses/<str:reference>/lessons/",
        catalogue_views.CourseLessonsView.as_view(),
        name="course-lessons",
    ),
    path("courses/<str:reference>/", authoring.CourseEndpoint.as_view(), name="course-detail"),
    path("search/", search_views.SearchView.as_view(), name="search"),
    path("search/suggest/", search_views.SuggestView.as_view(), name="search-suggest"),
    path("search/popular/", search_views.PopularSearchesView.as_view(), name="search-popular"),
    # --- Authoring (contract "Catalogue"); create, change and delete are the catalogue's paths ---
    path(
        "users/become-instructor/",
        users_views.BecomeInstructorView.as_view(),
        name="user-become-instructor",
    ),
    path(
        "instructor/courses/",
        course_views.InstructorCoursesView.as_view(),
        name="instructor-course-list",
    ),
    path(
        "instructor/courses/<str:reference>/",
        course_views.InstructorCourseView.as_view(),
        name="instructor-course-detail",
    ),
    path(
        "courses/<str:reference>/publish/",
        course_views.PublishCourseView.as_view(),
        name="course-publish",
    ),
    path(
        "courses/<str:reference>/unpublish/",
        course_views.UnpublishCourseView.as_view(),
        name="course-unpublish",
    ),
    path(
        "courses/<str:reference>/duplicate/",
        course_views.DuplicateCourseView.as_view(),
        name="course-duplicate",
    ),
    path(
        "courses/<str:reference>/curriculum/",
        course_views.SectionsView.as_view(),
        name="section-list",
    ),
    path(
        "courses/<str:reference>/curriculum/reorder/",
        course_views.ReorderSectionsView.as_view(),
        name="section-reorder",
    ),
    path(
        "courses/<str:reference>/curriculum/<uuid:section_id>/",
        course_views.SectionView.as_view(),
        name="section-detail",
    ),
    path(
        "courses/<str:reference>/curriculum/<uuid:section_id>/lessons/",
        course_views.LessonsView.as_view(),
        name="lesson-list",
    ),
    path(
        "courses/<str:reference>/curriculum/<uuid:section_id>/lessons/reorder/",
        course_views.ReorderLessonsView.as_view(),
        name="lesson-reorder",
    ),
    path(
        "courses/<str:reference>/curriculum/<uuid:section_id>/lessons/<uuid:lesson_id>/",
        course_views.LessonView.as_view(),
        name="lesson-edit",
    ),
    # --- Authoring media and portability ---
    path(
        "courses/<str:reference>/curriculum/<uuid:section_id>/lessons/<uuid:lesson_id>/resources/",
        course_views.LessonFilesView.as_view(),
        name="lesson-file-list",
    ),
    path(
        "courses/<str:reference>/curriculum/<uuid:section_id>/lessons/<uuid:lesson_id>/resources/"
        "<uuid:file_id>/",
        course_views.LessonFileView.as_view(),
        name="lesson-file-detail",
    ),
    path(
        "courses/<str:reference>/thumbnail/",
        course_file_views.ThumbnailView.as_view(),
        name="course-thumbnail",
    ),
    path(
        "courses/<str:reference>/export/",
        course_file_views.CourseExportView.as_view(),
        name="course-export",
    ),
    # --- Reviews (plan 4.3) ---
    path(
        "courses/<str:reference>/reviews/",
        review_views.CourseReviewsView.as_view(),
        name="course-reviews",
    ),
    path("reviews/<str:review_id>/", review_views.ReviewView.as_view(), name="review-detail"),
    path(
        "reviews/<str:review_id>/helpful/",
        review_views.HelpfulView.as_view(),
        name="review-helpful",
    ),
    # --- Cart and wishlist (plan 4.4) ---
    path("cart/", cart_page.CartView.as_view(), name="cart"),
    path("cart/coupon/", cart_page.CartCouponView.as_view(), name="cart-coupon"),
    path("cart/items/", cart_views.CartItemsView.as_view(), name="cart-items"),
    path("cart/items/<uuid:item_id>/", cart_views.CartItemView.as_view(), name="cart-item"),
    path("cart/merge/", cart_page.CartMergeView.as_view(), name="cart-merge"),
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
    path(
        "orders/<uuid:order_id>/receipt/",
        order_views.ReceiptView.as_view(),
        name="order-receipt",
    ),
    path(
        "orders/<uuid:order_id>/credit-notes/",
        order_views.CreditNotesView.as_view(),
        name="order-credit-notes",
    ),
    path(
        "orders/<uuid:order_id>/credit-notes/<str:number>/",
        order_views.CreditNoteView.as_view(),
        name="order-credit-note",
    ),
    # --- Refunds (contract "Orders and payments") ---
    path(
        "orders/<uuid:order_id>/refunds/",
        payment_views.OrderRefundsView.as_view(),
        name="order-refunds",
    ),
    path(
        "orders/<uuid:order_id>/refund-request/",
        payment_views.OrderRefundRequestView.as_view(),
        name="order-refund-request",
    ),
    path(
        "refund-requests/",
        payment_views.RefundRequestsView.as_view(),
        name="refund-request-list",
    ),
    path(
        "refund-requests/<uuid:request_id>/approve/",
        payment_views.ApproveRefundRequestView.as_view(),
        name="refund-request-approve",
    ),
    path(
        "refund-requests/<uuid:request_id>/refuse/",
        payment_views.RefuseRefundRequestView.as_view(),
        name="refund-request-refuse",
    ),
    path(
        "instructor/coupons/",
        order_views.InstructorCouponsView.as_view(),
        name="instructor-coupon-list",
    ),
    path(
        "instructor/coupons/<uuid:coupon_id>/",
        order_views.InstructorCouponView.as_view(),
        name="instructor-coupon-detail",
    ),
    # --- Payments (plan 4.6) ---
    path(
        "payments/create-payment-intent/",
        payment_views.CreatePaymentIntentView.as_view(),
        name="payment-intent-create",
    ),
    path(
        "payments/confirm-payment/",
        payment_views.ConfirmPaymentView.as_view(),
        name="payment-confirm",
    ),
    path(
        "payments/webhook/stripe/",
        payment_views.StripeWebhookView.as_view(),
        name="stripe-webhook",
    ),
    # --- Earnings and payouts (contract "Orders and payments") ---
    path("instructor/earnings/", payment_views.EarningsView.as_view(), name="instructor-earnings"),
    path(
        "instructor/earnings/entries/",
        payment_views.EarningsEntriesView.as_view(),
        name="instructor-earnings-entries",
    ),
    path(
        "instructor/earnings/statement/",
        payment_views.EarningsStatementView.as_view(),
        name="instructor-earnings-statement",
    ),
    path("instructor/payouts/", payment_views.PayoutsView.as_view(), name="instructor-payouts"),
    path(
        "instructor/payout-account/",
        payment_views.PayoutAccountView.as_view(),
        name="instructor-payout-account",
    ),
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
        "lessons/<uuid:lesson_id>/resources/<uuid:file_id>/",
        enrollment_views.LessonFileContentView.as_view(),
        name="lesson-file-content",
    ),
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
    path("dashboard/stats/", dashboard.StatsView.as_view(), name="dashboard-stats"),
    path(
        "dashboard/continue-learning/",
        dashboard.ContinueLearningView.as_view(),
        name="dashboard-continue-learning",
    ),
    path(
        "dashboard/recommendations/",
        dashboard.RecommendationsView.as_view(),
        name="dashboard-recommendations",
    ),
    # --- Health ---
    path("health/", include(health)),
]
