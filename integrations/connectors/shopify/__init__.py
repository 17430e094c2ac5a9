"""Shopify, spoken to over the GraphQL Admin API."""
