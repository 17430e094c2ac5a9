"""Indexes of what the lists of articles search and sort by (PostgreSQL)."""

from django.db import migrations

from portal.base import search_indexes

ORDINARY = {
    "product_code_begins": "catalog_product (merchant_id, code varchar_pattern_ops)",
    "product_code_upper": "catalog_product (merchant_id, upper(code::text))",
    "variant_code_begins": "catalog_variant (merchant_id, code varchar_pattern_ops)",
    "binding_code_begins": "catalog_binding (merchant_id, reference_code varchar_pattern_ops)",
    "binding_code_sorted": "catalog_binding (merchant_id, reference_code, id DESC)",
    "binding_external_id": "catalog_binding (merchant_id, external_id)",
    "binding_any_barcode": "catalog_binding (merchant_id, barcode)",
}
TRIGRAMS = {
    "product_name_trigrams": "catalog_product USING gin (upper(name::text) gin_trgm_ops)",
    "variant_name_trigrams": "catalog_variant USING gin (upper(name::text) gin_trgm_ops)",
    "binding_title_trigrams": "catalog_binding USING gin (upper(title::text) gin_trgm_ops)",
}


def create(apps, schema_editor):
    search_indexes.create(schema_editor, ORDINARY, TRIGRAMS)


def drop(apps, schema_editor):
    search_indexes.drop(schema_editor, ORDINARY, TRIGRAMS)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0006_photos")]

    operations = [migrations.RunPython(create, drop)]
