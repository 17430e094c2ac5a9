"""Field rules in versions, the shop's own payload, presentment sums and the back office's tax."""

import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

import portal.base.fields


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0005_mails_and_counts"),
        ("orders", "0009_numbers_found"),
        ("tenancy", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="fulfilmentorder",
            name="remote_tax",
            field=portal.base.fields.MoneyField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="presentment_currency",
            field=models.CharField(blank=True, default="", max_length=3),
        ),
        migrations.AddField(
            model_name="order",
            name="presentment_total",
            field=portal.base.fields.MoneyField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="prices_include_tax",
            field=models.BooleanField(default=False),
        ),
        migrations.CreateModel(
            name="FieldRuleVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[("draft", "Draft"), ("published", "Published"), ("retired", "Retired")],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("made_at", models.DateTimeField()),
                ("made_by", models.CharField(max_length=254)),
                ("published_at", models.DateTimeField(blank=True, null=True)),
                ("published_by", models.CharField(blank=True, default="", max_length=254)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="field_rule_versions",
                        to="integrations.connection",
                    ),
                ),
                (
                    "merchant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenancy.merchant"
                    ),
                ),
            ],
            options={
                "verbose_name": "version of field rules",
                "verbose_name_plural": "field rules",
                "abstract": False,
                "base_manager_name": "plain",
                "default_manager_name": "plain",
            },
            managers=[
                ("plain", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="FieldRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField()),
                ("target", models.CharField(max_length=30)),
                ("name", models.CharField(blank=True, default="", max_length=63)),
                ("source", models.CharField(blank=True, default="", max_length=500)),
                ("expression", models.CharField(blank=True, default="", max_length=500)),
                ("default", models.CharField(blank=True, default="", max_length=500)),
                ("required", models.BooleanField(default=False)),
                (
                    "merchant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenancy.merchant"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="integrations.connection",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="rules", to="orders.fieldruleversion"
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
        migrations.CreateModel(
            name="OrderPayload",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("body", models.BinaryField()),
                ("at", models.DateTimeField()),
                (
                    "merchant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenancy.merchant"
                    ),
                ),
                (
                    "order",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="payload", to="orders.order"
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
        migrations.AddConstraint(
            model_name="fieldruleversion",
            constraint=models.UniqueConstraint(fields=("merchant", "connection", "number"), name="field_rules_number"),
        ),
        migrations.AddConstraint(
            model_name="fieldruleversion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "published")),
                fields=("merchant", "connection"),
                name="field_rules_one_published",
            ),
        ),
        migrations.AddConstraint(
            model_name="fieldruleversion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "draft")), fields=("merchant", "connection"), name="field_rules_one_draft"
            ),
        ),
        migrations.AddConstraint(
            model_name="fieldrule",
            constraint=models.UniqueConstraint(fields=("merchant", "version", "position"), name="field_rule_position"),
        ),
    ]
