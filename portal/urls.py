"""Which address leads where. /healthz and /readyz are answered before any of these, by portal.base.health."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from catalog.api.bootstrap import BootstrapPartView, BootstrapView
from catalog.api.feeds import FeedsView, FeedView
from catalog.api.items import ItemsView, ItemView
from catalog.api.photos import serve_photo
from catalog.api.writing import PricesView, ProductsView, StockView
from integrations.api.views import ProcedureRunsView, ProcedureRunView, RunView
from integrations.api.webhooks import WebhooksView, WebhookView
from integrations.webhooks.views import receive_webhook
from orders.api.customers import CustomersView
from orders.api.me import MeView, MyOrdersView, MyRecentItemsView, MyTransactionsView
from orders.api.quotes import QuotesView
from orders.api.reports import InvoicesView, ShipmentsView, StatusesView
from orders.api.sales_orders import BillView, CancelView, ReturnsView, SalesOrdersView, SalesOrderView
from orders.api.sessions import CurrentSessionView, SessionsView
from portal.postman import serve_collection

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("admin/", admin.site.urls),
    path("media/p/<str:name>", serve_photo, name="photo"),
    path("hooks/<str:public_id>/", receive_webhook, name="webhook"),
    path("api/v1/procedures/<str:public_id>/runs", ProcedureRunsView.as_view(), name="procedure-runs"),
    path("api/v1/procedures/<str:public_id>/runs/<str:run_id>", ProcedureRunView.as_view(), name="procedure-run"),
    path("api/v1/feeds/<str:stream>", FeedsView.as_view(), name="feeds"),
    path("api/v1/feeds/<str:stream>/<str:public_id>", FeedView.as_view(), name="feed"),
    path("api/v1/bootstrap", BootstrapView.as_view(), name="bootstrap"),
    path("api/v1/bootstrap/<str:part>", BootstrapPartView.as_view(), name="bootstrap-part"),
    path("api/v1/items", ItemsView.as_view(), name="items"),
    path("api/v1/items/<path:code>", ItemView.as_view(), name="item"),
    path("api/v1/stock", StockView.as_view(), name="stock"),
    path("api/v1/prices", PricesView.as_view(), name="prices"),
    path("api/v1/products", ProductsView.as_view(), name="products"),
    path("api/v1/shipments", ShipmentsView.as_view(), name="shipments"),
    path("api/v1/invoices", InvoicesView.as_view(), name="invoices"),
    path("api/v1/statuses", StatusesView.as_view(), name="statuses"),
    path("api/v1/webhooks", WebhooksView.as_view(), name="webhooks"),
    path("api/v1/webhooks/<str:public_id>", WebhookView.as_view(), name="webhook-of-app"),
    path("api/v1/runs/<str:public_id>", RunView.as_view(), name="run"),
    path("api/v1/customers", CustomersView.as_view(), name="customers"),
    path("api/v1/sessions", SessionsView.as_view(), name="sessions"),
    path("api/v1/sessions/current", CurrentSessionView.as_view(), name="current-session"),
    path("api/v1/me", MeView.as_view(), name="me"),
    path("api/v1/me/orders", MyOrdersView.as_view(), name="my-orders"),
    path("api/v1/me/transactions", MyTransactionsView.as_view(), name="my-transactions"),
    path("api/v1/me/recent-items", MyRecentItemsView.as_view(), name="my-recent-items"),
    path("api/v1/quotes", QuotesView.as_view(), name="quotes"),
    path("api/v1/sales-orders", SalesOrdersView.as_view(), name="sales-orders"),
    path("api/v1/sales-orders/<str:public_id>", SalesOrderView.as_view(), name="sales-order"),
    path("api/v1/sales-orders/<str:public_id>/cancel", CancelView.as_view(), name="sales-order-cancel"),
    path("api/v1/sales-orders/<str:public_id>/returns", ReturnsView.as_view(), name="sales-order-returns"),
    path("api/v1/sales-orders/<str:public_id>/bill", BillView.as_view(), name="sales-order-bill"),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/postman.json", serve_collection, name="postman"),
    path("api/v1/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
]
