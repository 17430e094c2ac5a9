"""The demo: a shop and an ERP on loopback, real sales lines between them, and a count that must balance."""
