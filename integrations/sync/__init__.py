"""The engine: who calls a connector, when, and what becomes of the answer."""
