"""Every command of the portal."""
