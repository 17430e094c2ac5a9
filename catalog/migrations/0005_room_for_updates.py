"""Leaves room on the pages of stock: an update that fits on its page touches no index (PostgreSQL)."""

from django.db import migrations

TABLES = ("catalog_stockrecord", "catalog_channelstock")


def leave_room(apps, schema_editor):
    _set(schema_editor, "SET (fillfactor = 75)")


def fill_up(apps, schema_editor):
    _set(schema_editor, "RESET (fillfactor)")


def _set(schema_editor, option):
    if schema_editor.connection.vendor == "postgresql":
        for table in TABLES:
            schema_editor.execute(f"ALTER TABLE {table} {option}")


class Migration(migrations.Migration):
    dependencies = [("catalog", "0004_mapping_prices_and_feeds")]

    operations = [migrations.RunPython(leave_room, fill_up)]
