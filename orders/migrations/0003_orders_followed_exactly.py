# Words in their order, units by line, lines by their ids there, changes after sending, refunds nobody books.

from decimal import Decimal

import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

import portal.base.fields


def copy_factors(apps, schema_editor):
    """So far the mapping was asked each time how many base units the shop's article is; now the line says."""
    lines = apps.get_model("orders", "OrderLine").plain
    crates = lines.filter(binding__isnull=False).exclude(binding__factor=1)
    for pk, factor in crates.values_list("pk", "binding__factor").iterator():
        lines.filter(pk=pk).update(factor=factor)


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0003_initial"),
        ("orders", "0002_initial"),
        ("tenancy", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="source_read_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="orderline",
            name="factor",
            field=portal.base.fields.QuantityField(default=Decimal("1")),
        ),
        migrations.RunPython(copy_factors, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="refund",
            name="state",
            field=models.CharField(
                choices=[
                    ("received", "Received"),
                    ("queued", "On its way"),
                    ("done", "Done there"),
                    ("held", "Held"),
                    ("closed", "Nowhere to be booked"),
                ],
                default="received",
                max_length=10,
            ),
        ),
        migrations.CreateModel(
            name="FulfilmentLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=200)),
                (
                    "fulfilment_order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="orders.fulfilmentorder"
                    ),
                ),
                (
                    "merchant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenancy.merchant"
                    ),
                ),
                (
                    "order_line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="placed", to="orders.orderline"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "plain",
                "default_manager_name": "plain",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("merchant", "fulfilment_order", "external_id"), name="fulfilment_line_external"
                    ),
                    models.UniqueConstraint(
                        fields=("merchant", "fulfilment_order", "order_line"), name="fulfilment_line_once"
                    ),
                ],
            },
            managers=[
                ("plain", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="OrderEdit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("total", portal.base.fields.MoneyField()),
                ("lines", models.BinaryField()),
                ("problem", models.CharField(blank=True, default="", max_length=500)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Waiting for a person"),
                            ("sending", "To be sent on"),
                            ("sent", "Sent on"),
                            ("accepted", "Taken over here"),
                            ("ignored", "Left as it was"),
                            ("gone", "Taken back in the shop"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("decided_by", models.CharField(blank=True, default="", max_length=100)),
                (
                    "merchant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenancy.merchant"
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="edits", to="orders.order"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "plain",
                "default_manager_name": "plain",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "open")), fields=("merchant", "order"), name="edit_one_open"
                    )
                ],
            },
            managers=[
                ("plain", django.db.models.manager.Manager()),
            ],
        ),
    ]
