"""Reports over what the apps keep."""
