"""From an order to the fields of a document, by rules people write. Pure."""
