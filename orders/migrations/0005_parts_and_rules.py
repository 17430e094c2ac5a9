# Rules that say which back office gets what of an order, and the parts they make.

from decimal import Decimal

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.manager
import simple_history.models
from django.conf import settings
from django.db import migrations, models

import portal.base.fields


def number_parts(apps, schema_editor):
    """An order's parts were told apart by their destination; now they have numbers."""
    parts = apps.get_model("orders", "FulfilmentOrder").plain
    last, number = None, 0
    for pk, order_id in parts.order_by("order_id", "pk").values_list("pk", "order_id").iterator():
        number = number + 1 if order_id == last else 1
        last = order_id
        if number > 1:
            parts.filter(pk=pk).update(number=number)


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0005_mails_and_counts"),
        ("orders", "0004_search_and_sort"),
        ("tenancy", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="FulfilmentShare",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("quantity", portal.base.fields.QuantityField()),
                ("discount", portal.base.fields.MoneyField(default=Decimal("0"))),
                ("net", portal.base.fields.MoneyField()),
                ("tax", portal.base.fields.MoneyField(default=Decimal("0"))),
                ("gross", portal.base.fields.MoneyField()),
            ],
            options={
                "abstract": False,
                "base_manager_name": "plain",
                "default_manager_name": "plain",
            },
            managers=[
                ("plain", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="HistoricalRoutingRule",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                (
                    "position",
                    models.PositiveIntegerField(
                        default=10, help_text="They are asked from the smallest to the largest.", verbose_name="place"
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "countries",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Of the delivery address, two letters: DE, AT.",
                        max_length=500,
                    ),
                ),
                (
                    "postcodes",
                    models.CharField(
                        blank=True, default="", help_text="What the postcode begins with: 10, 11, SW1.", max_length=500
                    ),
                ),
                (
                    "shipping_methods",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="As the shop names them; a * stands for anything: DHL*.",
                        max_length=500,
                    ),
                ),
                (
                    "payment_types",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="The shop's word or yours; cod is cash on delivery. A * stands for anything.",
                        max_length=500,
                    ),
                ),
                (
                    "categories",
                    models.CharField(blank=True, default="", help_text="Several: part them by commas.", max_length=500),
                ),
                (
                    "brands",
                    models.CharField(blank=True, default="", help_text="Several: part them by commas.", max_length=500),
                ),
                (
                    "tags",
                    models.CharField(blank=True, default="", help_text="Several: part them by commas.", max_length=500),
                ),
                ("currency", models.CharField(blank=True, default="", help_text="GBP; empty: any.", max_length=3)),
                ("total_over", portal.base.fields.MoneyField(blank=True, null=True, verbose_name="total over")),
                ("total_under", portal.base.fields.MoneyField(blank=True, null=True, verbose_name="total under")),
                (
                    "in_stock",
                    models.BooleanField(
                        default=False,
                        help_text="At its location, or at the locations of its group together.",
                        verbose_name="all of it is in stock there",
                    ),
                ),
                (
                    "takes",
                    models.CharField(
                        choices=[
                            ("order", "all that is left of the order"),
                            ("lines", "only the lines of its categories and brands"),
                            ("stock", "each line at the location of its group that has it"),
                        ],
                        default="order",
                        max_length=5,
                    ),
                ),
                (
                    "split_lines",
                    models.BooleanField(
                        default=False,
                        help_text="Three from here and two from there; else a line stays together.",
                        verbose_name="may split a line",
                    ),
                ),
                (
                    "extras",
                    models.CharField(
                        choices=[
                            ("first", "go with the first part"),
                            ("value", "are shared by the value of the goods"),
                        ],
                        default="first",
                        max_length=5,
                        verbose_name="shipping, fees and the like",
                    ),
                ),
                (
                    "goes_on",
                    models.BooleanField(
                        default=False,
                        help_text="It gets the whole order besides what the next rules say.",
                        verbose_name="and ask the next rules too",
                    ),
                ),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
            ],
            options={
                "verbose_name": "historical routing rule",
                "verbose_name_plural": "historical routing rules",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="RoutingRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                (
                    "position",
                    models.PositiveIntegerField(
                        default=10, help_text="They are asked from the smallest to the largest.", verbose_name="place"
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "countries",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Of the delivery address, two letters: DE, AT.",
                        max_length=500,
                    ),
                ),
                (
                    "postcodes",
                    models.CharField(
                        blank=True, default="", help_text="What the postcode begins with: 10, 11, SW1.", max_length=500
                    ),
                ),
                (
                    "shipping_methods",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="As the shop names them; a * stands for anything: DHL*.",
                        max_length=500,
                    ),
                ),
                (
                    "payment_types",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="The shop's word or yours; cod is cash on delivery. A * stands for anything.",
                        max_length=500,
                    ),
                ),
                (
                    "categories",
                    models.CharField(blank=True, default="", help_text="Several: part them by commas.", max_length=500),
                ),
                (
                    "brands",
                    models.CharField(blank=True, default="", help_text="Several: part them by commas.", max_length=500),
                ),
                (
                    "tags",
                    models.CharField(blank=True, default="", help_text="Several: part them by commas.", max_length=500),
                ),
                ("currency", models.CharField(blank=True, default="", help_text="GBP; empty: any.", max_length=3)),
                ("total_over", portal.base.fields.MoneyField(blank=True, null=True, verbose_name="total over")),
                ("total_under", portal.base.fields.MoneyField(blank=True, null=True, verbose_name="total under")),
                (
                    "in_stock",
                    models.BooleanField(
                        default=False,
                        help_text="At its location, or at the locations of its group together.",
                        verbose_name="all of it is in stock there",
                    ),
                ),
                (
                    "takes",
                    models.CharField(
                        choices=[
                            ("order", "all that is left of the order"),
                            ("lines", "only the lines of its categories and brands"),
                            ("stock", "each line at the location of its group that has it"),
                        ],
                        default="order",
                        max_length=5,
                    ),
                ),
                (
                    "split_lines",
                    models.BooleanField(
                        default=False,
                        help_text="Three from here and two from there; else a line stays together.",
                        verbose_name="may split a line",
                    ),
                ),
                (
                    "extras",
                    models.CharField(
                        choices=[
                            ("first", "go with the first part"),
                            ("value", "are shared by the value of the goods"),
                        ],
                        default="first",
                        max_length=5,
                        verbose_name="shipping, fees and the like",
                    ),
                ),
                (
                    "goes_on",
                    models.BooleanField(
                        default=False,
                        help_text="It gets the whole order besides what the next rules say.",
                        verbose_name="and ask the next rules too",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "plain",
                "default_manager_name": "plain",
            },
            managers=[
                ("plain", django.db.models.manager.Manager()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="fulfilmentorder",
            name="fulfilment_once",
        ),
        migrations.AddField(
            model_name="fulfilmentorder",
            name="after",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="integrations.connection",
            ),
        ),
        migrations.AddField(
            model_name="fulfilmentorder",
            name="amount",
            field=portal.base.fields.MoneyField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="fulfilmentorder",
            name="document",
            field=models.CharField(
                choices=[("order", "order"), ("invoice", "invoice")], db_default="order", default="order", max_length=7
            ),
        ),
        migrations.AddField(
            model_name="fulfilmentorder",
            name="moved_by",
            field=models.CharField(blank=True, db_default="", default="", max_length=100),
        ),
        migrations.AddField(
            model_name="fulfilmentorder",
            name="number",
            field=models.PositiveSmallIntegerField(db_default=1, default=1),
        ),
        migrations.AddField(
            model_name="fulfilmentorder",
            name="rule_version",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="fulfilmentorder",
            name="why",
            field=models.CharField(blank=True, db_default="", default="", max_length=500),
        ),
        migrations.AddField(
            model_name="order",
            name="tags",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AlterField(
            model_name="fulfilmentorder",
            name="send_when",
            field=models.CharField(
                choices=[
                    ("created", "as soon as it is created"),
                    ("confirmed", "when it is confirmed"),
                    ("paid", "when it is paid, cash on delivery or on account"),
                    ("accepted", "when another back office has accepted it"),
                    ("shipped", "when it is shipped"),
                ],
                default="paid",
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="fulfilmentshare",
            name="fulfilment_order",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="shares", to="orders.fulfilmentorder"
            ),
        ),
        migrations.AddField(
            model_name="fulfilmentshare",
            name="merchant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenancy.merchant"
            ),
        ),
        migrations.AddField(
            model_name="fulfilmentshare",
            name="order_line",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="shares", to="orders.orderline"
            ),
        ),
        migrations.AddField(
            model_name="historicalroutingrule",
            name="destination",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="integrations.connection",
                verbose_name="back office",
            ),
        ),
        migrations.AddField(
            model_name="historicalroutingrule",
            name="group",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                help_text="Asked in its order; what none of them has goes to the first.",
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="tenancy.locationgroup",
                verbose_name="group of locations",
            ),
        ),
        migrations.AddField(
            model_name="historicalroutingrule",
            name="history_user",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="historicalroutingrule",
            name="location",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                help_text="Where the goods leave; empty: where it was sold.",
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="tenancy.location",
            ),
        ),
        migrations.AddField(
            model_name="historicalroutingrule",
            name="merchant",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="tenancy.merchant",
            ),
        ),
        migrations.AddField(
            model_name="historicalroutingrule",
            name="shop",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                help_text="Empty: any shop.",
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="integrations.connection",
            ),
        ),
        migrations.AddField(
            model_name="historicalroutingrule",
            name="sold_at",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                help_text="Where it was sold; empty: anywhere.",
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="tenancy.location",
            ),
        ),
        migrations.AddField(
            model_name="routingrule",
            name="destination",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="routing_rules",
                to="integrations.connection",
                verbose_name="back office",
            ),
        ),
        migrations.AddField(
            model_name="routingrule",
            name="group",
            field=models.ForeignKey(
                blank=True,
                help_text="Asked in its order; what none of them has goes to the first.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="tenancy.locationgroup",
                verbose_name="group of locations",
            ),
        ),
        migrations.AddField(
            model_name="routingrule",
            name="location",
            field=models.ForeignKey(
                blank=True,
                help_text="Where the goods leave; empty: where it was sold.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="tenancy.location",
            ),
        ),
        migrations.AddField(
            model_name="routingrule",
            name="merchant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenancy.merchant"
            ),
        ),
        migrations.AddField(
            model_name="routingrule",
            name="shop",
            field=models.ForeignKey(
                blank=True,
                help_text="Empty: any shop.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="integrations.connection",
            ),
        ),
        migrations.AddField(
            model_name="routingrule",
            name="sold_at",
            field=models.ForeignKey(
                blank=True,
                help_text="Where it was sold; empty: anywhere.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="tenancy.location",
            ),
        ),
        migrations.AddField(
            model_name="fulfilmentorder",
            name="rule",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="parts",
                to="orders.routingrule",
            ),
        ),
        migrations.RunPython(number_parts, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="fulfilmentorder",
            constraint=models.UniqueConstraint(fields=("merchant", "order", "number"), name="fulfilment_number"),
        ),
        migrations.AddConstraint(
            model_name="fulfilmentshare",
            constraint=models.UniqueConstraint(
                fields=("merchant", "fulfilment_order", "order_line"), name="fulfilment_share_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="fulfilmentshare",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("gross", django.db.models.expressions.CombinedExpression(models.F("net"), "+", models.F("tax")))
                ),
                name="fulfilment_share_gross",
            ),
        ),
        migrations.AddIndex(
            model_name="routingrule",
            index=models.Index(fields=["merchant", "position", "id"], name="routing_rule_order"),
        ),
        migrations.AddConstraint(
            model_name="routingrule",
            constraint=models.UniqueConstraint(
                fields=("merchant", "name"),
                name="routing_rule_name",
                violation_error_message="There is a rule of that name already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="routingrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("location__isnull", True), ("group__isnull", True), _connector="OR"),
                name="routing_rule_one_place",
                violation_error_message="Choose a location or a group of them, not both.",
            ),
        ),
        migrations.AddConstraint(
            model_name="routingrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("takes", "stock"), _negated=True), ("group__isnull", False), _connector="OR"
                ),
                name="routing_rule_stock_group",
                violation_error_message="“Where the stock is” needs a group of locations to look at.",
            ),
        ),
        migrations.AddConstraint(
            model_name="routingrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("takes", "lines"), _negated=True),
                    models.Q(("categories", ""), _negated=True),
                    models.Q(("brands", ""), _negated=True),
                    _connector="OR",
                ),
                name="routing_rule_lines_of",
                violation_error_message="Name the categories or brands whose lines it takes.",
            ),
        ),
        migrations.AddConstraint(
            model_name="routingrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("in_stock", False), ("location__isnull", False), ("group__isnull", False), _connector="OR"
                ),
                name="routing_rule_stock_where",
                violation_error_message="“In stock there” needs a location or a group of them.",
            ),
        ),
        migrations.AddConstraint(
            model_name="routingrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("goes_on", False), ("takes", "order"), _connector="OR"),
                name="routing_rule_goes_on",
                violation_error_message="Only a rule that takes the whole order can let the next ones take it too.",
            ),
        ),
    ]
