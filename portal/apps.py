"""The project as an app: it carries the commands and the checks of the settings."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class PortalConfig(AppConfig):
    default = True
    name = "portal"
    verbose_name = "Portal"

    def ready(self) -> None:
        from portal import celery  # noqa: F401  tasks are published through this app
        from portal.base import checks  # noqa: F401  registers the system checks


class PortalAdminConfig(admin_apps.AdminConfig):
    """Django's admin with our site in the place of its own."""

    default = False
    default_site = "portal.admin_site.PortalAdminSite"
