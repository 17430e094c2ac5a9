"""Which address leads where. /healthz and /readyz are answered before any of these, by portal.base.health."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from catalog.api.feeds import FeedsView, FeedView
from catalog.api.photos import serve_photo
from integrations.api.views import ProcedureRunsView, ProcedureRunView
from integrations.webhooks.views import receive_webhook

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("admin/", admin.site.urls),
    path("media/p/<str:name>", serve_photo, name="photo"),
    path("hooks/<str:public_id>/", receive_webhook, name="webhook"),
    path("api/v1/procedures/<str:public_id>/runs", ProcedureRunsView.as_view(), name="procedure-runs"),
    path("api/v1/procedures/<str:public_id>/runs/<str:run_id>", ProcedureRunView.as_view(), name="procedure-run"),
    path("api/v1/feeds/<str:stream>", FeedsView.as_view(), name="feeds"),
    path("api/v1/feeds/<str:stream>/<str:public_id>", FeedView.as_view(), name="feed"),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
]
