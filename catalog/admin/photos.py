"""Photos on a product's page: shown, put in order, added as files, taken away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget

from catalog.mapping.pictures import MAX_BYTES, NoPicture, Refusal, read_picture
from catalog.models import Photo, Product
from catalog.services import photos

MOST_AT_ONCE = 20
WHY_NOT = {
    "unreachable": gettext_lazy(
        "Not sent yet: shops reach only https addresses on the internet. We fetch it now, and shops get it from us."
    ),
    "no_public_url": gettext_lazy(
        "Not sent: this portal has no public address (PUBLIC_URL) a shop could fetch the file from. "
        "Ask whoever runs the portal to set it."
    ),
}


class ManyFilesWidget(UnfoldAdminFileFieldWidget):
    allow_multiple_selected = True


class PicturesField(forms.FileField):
    """Several pictures; its value is the list of files, looked at and not yet kept."""

    widget = ManyFilesWidget

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        files = [data] if data and not isinstance(data, (list, tuple)) else list(data or ())
        if len(files) > MOST_AT_ONCE:
            raise forms.ValidationError(_("Add %(count)d pictures at a time at most."), params={"count": MOST_AT_ONCE})
        for file in files:
            self._look_at(super().clean(file, initial))
        return files

    def _look_at(self, file: Any) -> None:
        try:
            if file.size > MAX_BYTES:
                raise NoPicture(Refusal.TOO_LARGE)
            read_picture(file.read())
        except NoPicture as error:
            words = f"{file.name}: {Photo.Problem(error.reason).label}"
            raise forms.ValidationError(words, code="file_type_not_allowed") from error
        file.seek(0)


def read_files(files: list[Any]) -> Iterator[bytes]:
    """One after the other, so that only one is in memory."""
    for file in files:
        yield file.read()


def show_photos(product: Product) -> str:
    """All photos in their order, each with its name and whether shops are sent it."""
    fetched = photos.list_fetched([product.pk])
    rows = [_describe(product, one, fetched.get((product.pk, str(one)))) for one in photos.list_photos(product)]
    return render_to_string("admin/product/photos.html", {"rows": rows})


def open_photo(product_id: int, photo_id: int) -> HttpResponseBase:
    """The file, for somebody who may see the product."""
    row = Photo.objects.filter(pk=photo_id, product_id=product_id).first()
    shown = photos.find_file(row) if row is not None else None
    if shown is None:
        raise Http404
    response = FileResponse(shown.path.open("rb"), content_type=shown.content_type)
    response["Content-Disposition"] = "inline"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, max-age=3600"
    return response


def _describe(product: Product, photo: str | Photo, fetched: Photo | None) -> dict[str, Any]:
    """`fetched`: the file that stands in for this address."""
    if isinstance(photo, str):
        return _describe_address(product, photo, fetched)
    why_not = _tell(photos.why_not_sent(photo))
    address = reverse("admin:catalog_product_photo", args=(product.pk, photo.pk))
    size = f"{photo.width} × {photo.height}, " if photo.width else ""
    name = photos.name_photo(photo)
    return {
        "name": name, "why_not": why_not, "size": f"{size}{filesizeformat(photo.size)}",
        "address": "" if photo.problem else address, "alt": gettext("%(photo)s of %(product)s") % {
            "photo": name, "product": product.name
        },
    }  # fmt: skip


def _describe_address(product: Product, address: str, fetched: Photo | None) -> dict[str, Any]:
    if fetched is None:
        return {"name": address, "why_not": _tell(photos.why_not_sent(address))}
    if fetched.problem == Photo.Problem.NOT_FETCHED:
        words = gettext(
            "Not sent: shops cannot reach this address, and we could not fetch it. %(why)s We try again when the "
            "product is read or saved; or upload the picture."
        )
        return {"name": address, "why_not": words % {"why": fetched.message}}
    shown = _describe(product, fetched, None)
    return {**shown, "name": address, "note": gettext("Shops cannot reach this address: they get our copy.")}


def _tell(code: str) -> str:
    """Why shops are not sent a photo, in words; '' where they are."""
    if code in Photo.Problem.values:
        return gettext("Not sent: %(problem)s") % {"problem": Photo.Problem(code).label}
    return str(WHY_NOT.get(code, ""))


def may_open(request: HttpRequest, page: Any, product_id: int) -> bool:
    product = page.get_queryset(request).filter(pk=product_id).first()
    return product is not None and bool(page.has_view_permission(request, product))
