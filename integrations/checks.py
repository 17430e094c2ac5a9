"""System checks of the connectors' self-description."""

from __future__ import annotations

from typing import Any

from django.core import checks

from integrations.registry import CONNECTORS, get_connector


@checks.register()
def check_connectors(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Every registered platform loads, and answers to the key it is registered under."""
    found: list[checks.CheckMessage] = []
    for key, path in CONNECTORS.items():
        try:
            declared = get_connector(key).key
        except (ImportError, AttributeError) as error:
            found.append(checks.Error(f"Platform {key}: {path} cannot be loaded: {error}", id="integrations.E001"))
            continue
        if declared != key:
            found.append(checks.Error(f"Platform {key}: its class says {declared}", id="integrations.E002"))
    return found
