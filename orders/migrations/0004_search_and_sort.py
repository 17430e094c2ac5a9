"""Indexes of what the lists of orders and customers search and sort by (PostgreSQL)."""

from django.db import migrations

from portal.base import search_indexes

ORDINARY = {
    "order_newest": "orders_order (merchant_id, id)",
    "order_email_upper": "orders_order (merchant_id, upper(email::text))",
    "customer_newest": "orders_customer (merchant_id, id)",
    "customer_email_upper": "orders_customer (merchant_id, upper(email::text))",
    "line_sku": "orders_orderline (sku, merchant_id)",
    "fulfilment_external_number": "orders_fulfilmentorder (external_number, merchant_id)",
    "fulfilment_any_reference": "orders_fulfilmentorder (reference, merchant_id)",
    "shipment_tracking": "orders_shipment (tracking_number, merchant_id)",
}
TRIGRAMS = {
    "order_name_trigrams": "orders_order USING gin (upper(customer_name::text) gin_trgm_ops)",
    "customer_name_trigrams": "orders_customer USING gin"
    " (upper(name::text) gin_trgm_ops, upper(company::text) gin_trgm_ops)",
}


def create(apps, schema_editor):
    search_indexes.create(schema_editor, ORDINARY, TRIGRAMS)


def drop(apps, schema_editor):
    search_indexes.drop(schema_editor, ORDINARY, TRIGRAMS)


class Migration(migrations.Migration):
    dependencies = [("orders", "0003_orders_followed_exactly"), ("catalog", "0007_search_and_sort")]

    operations = [migrations.RunPython(create, drop)]
