"""An app that is told of what changes, at an address of its own."""
