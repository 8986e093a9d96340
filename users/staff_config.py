"""Django's admin as an application of ours. Beside `users.apps`, as that module names one alone."""

from django.contrib.admin.apps import AdminConfig


class StaffSiteConfig(AdminConfig):
    """The admin with our doors."""

    default_site = "users.staff_site.StaffSite"
