"""What shops, tills and apps do with orders by our API."""
