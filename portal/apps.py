"""The project as an app: it carries the commands and the checks of the settings."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "Portal"

    def ready(self) -> None:
        from portal import celery  # noqa: F401  tasks are published through this app
        from portal.base import checks  # noqa: F401  registers the system checks
