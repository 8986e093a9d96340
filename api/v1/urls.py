"""Every route of /api/v1/, in one table."""

from django.urls import include, path

from api.urls_health import health

urlpatterns = [
    # --- Accounts (plan 4.2) ---
    # --- Profile (plan 4.9) ---
    # --- Catalogue and search (plan 4.3, 4.10) ---
    # --- Reviews (plan 4.3) ---
    # --- Cart and wishlist (plan 4.4) ---
    # --- Orders (plan 4.5) ---
    # --- Payments (plan 4.6) ---
    # --- Learning and certificates (plan 4.7) ---
    # --- Dashboard (plan 4.8) ---
    # --- Health ---
    path("health/", include(health)),
]
