"""Abstract bases of our models."""

from __future__ import annotations

from django.db import models

from portal.tenancy.scoping import new_public_id


class PublicIdMixin(models.Model):
    """`public_id` is what appears in an address outside the admin."""

    public_id = models.CharField(max_length=22, unique=True, default=new_public_id, editable=False)

    class Meta:
        abstract = True
