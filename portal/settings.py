"""Settings of the portal. Everything comes from the environment; a secret NAME may also be a file, NAME_FILE."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key
from django.templatetags.static import static
from django.urls import reverse_lazy

from portal.base.logging import build_logging

BASE_DIR = Path(__file__).resolve().parent.parent
if (BASE_DIR / ".env").is_file():
    environ.Env.read_env(BASE_DIR / ".env", overwrite=False)
env = environ.FileAwareEnv()


def _secret(name: str, default: str = "") -> str:
    """NAME, or the content of the file NAME_FILE names; editors and mounted secrets end it with a newline."""
    return str(env.str(name, default=default)).strip()


def _keep(name: str, make: Any) -> str:
    """The secret of a local portal: made once, kept in VAR_DIR for this user only."""
    path = VAR_DIR / name
    if not path.exists():
        draft = VAR_DIR / f".{name}.{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(make())
        try:
            os.link(draft, path)  # fails where another process was first: then both use its value
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


# --- Where we run -----------------------------------------------------------------------------------------------------

DEBUG: bool = env.bool("DEBUG", default=False)
PUBLIC_URL: str = env.str("PUBLIC_URL", default="").rstrip("/")
SECRET_KEY = _secret("SECRET_KEY")
# A local portal runs on this computer over plain HTTP and makes its own secrets. Giving SECRET_KEY, or an https
# PUBLIC_URL, makes it a production portal: HTTPS only, nothing generated.
LOCAL: bool = env.bool("LOCAL", default=DEBUG or not (SECRET_KEY or PUBLIC_URL.startswith("https://")))

VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))
VAR_DIR.mkdir(parents=True, exist_ok=True)

if not SECRET_KEY:
    if not LOCAL:
        raise ImproperlyConfigured("SECRET_KEY is missing: set SECRET_KEY or SECRET_KEY_FILE.")
    SECRET_KEY = _keep("secret_key", get_random_secret_key)
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", default=[])


def _credential_keys(text: str) -> dict[str, str]:
    """`id:key,id:key` → id → Fernet key. The first encrypts, all decrypt."""
    keys: dict[str, str] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        key_id, colon, key = item.partition(":")
        if not (colon and key_id and key) or key_id in keys:
            raise ImproperlyConfigured("CREDENTIAL_KEYS must be a comma list of id:key, each id once.")
        keys[key_id] = key
    return keys


CREDENTIAL_KEYS = _credential_keys(_secret("CREDENTIAL_KEYS"))
if not CREDENTIAL_KEYS and LOCAL:
    CREDENTIAL_KEYS = _credential_keys(_keep("credential_keys", lambda: f"local:{Fernet.generate_key().decode()}"))

_public_host = urlsplit(PUBLIC_URL).hostname
ALLOWED_HOSTS: list[str] = env.list(
    "ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if LOCAL else [_public_host] if _public_host else []
)
if LOCAL and _public_host and _public_host not in ALLOWED_HOSTS:
    ALLOWED_HOSTS.append(_public_host)
CSRF_TRUSTED_ORIGINS = ["{0.scheme}://{0.netloc}".format(urlsplit(PUBLIC_URL))] if _public_host else []

# Hosts and ports inside private networks that connections may call, as host:port.
ALLOWED_PRIVATE_ADDRESSES: list[str] = env.list("ALLOWED_PRIVATE_ADDRESSES", default=[])

# --- Apps and middleware ----------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "portal.base",
    "portal.tenancy",
    "portal",
    "integrations",
    "catalog",
    "orders",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.import_export",
    "unfold.contrib.simple_history",
    "portal.apps.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "import_export",
    "simple_history",
    "axes",
    "csp",
]

MIDDLEWARE = [
    "portal.base.correlation.CorrelationMiddleware",
    "portal.base.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.base.csp.ContentPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "portal.tenancy.middleware.ScopeMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
ASGI_APPLICATION = "portal.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- Database ---------------------------------------------------------------------------------------------------------


def _database(url: str) -> dict[str, Any]:
    config: dict[str, Any] = dict(env.db_url_config(url))
    if config["ENGINE"] == "django.db.backends.sqlite3":
        config["OPTIONS"] = {
            # IMMEDIATE takes the write lock at BEGIN: a transaction that reads first cannot fail on its first write.
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            # A figure answered with 2xx must survive a power cut, hence FULL.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=30000; "
            "PRAGMA foreign_keys=ON;",
        }
    if config["ENGINE"] == "django.db.backends.postgresql":
        config.setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
        config["CONN_MAX_AGE"] = env.int("DATABASE_MAX_AGE", default=300)
        config["CONN_HEALTH_CHECKS"] = True
    return config


DATABASE_URL = _secret("DATABASE_URL") or f"sqlite:///{VAR_DIR / 'stockbridge.sqlite3'}"
DATABASES = {"default": _database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# What all processes count together: how often a key of the API asks. Without it each counts for itself.
CACHE_URL = _secret("CACHE_URL")
CACHES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": CACHE_URL}
    if CACHE_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

# --- People and security ----------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "tenancy.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
# Django's form and backends call the e-mail `username`; under another name axes counts failures of nobody.
AXES_USERNAME_FORM_FIELD = "username"

BEHIND_PROXY: bool = env.bool("BEHIND_PROXY", default=False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = not LOCAL
SECURE_HSTS_SECONDS = 0 if LOCAL else env.int("HSTS_SECONDS", default=31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = not LOCAL
SECURE_HSTS_PRELOAD = not LOCAL
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = not LOCAL
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600
CSRF_COOKIE_SECURE = not LOCAL
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5_000_000
# A million-row file is uploaded through a view of its own; forms stay small.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000

CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
# What pages under a path need beyond that (portal.base.csp): unfold's Alpine evaluates expressions and styles inline.
CONTENT_SECURITY_POLICY_BY_PATH: dict[str, dict[str, list[str]]] = {
    "/admin/": {
        "script-src": ["'self'", "'unsafe-inline'", "'unsafe-eval'"],
        "style-src": ["'self'", "'unsafe-inline'"],
    },
    "/api/v1/docs/": {"style-src": ["'self'", "'unsafe-inline'"]},
}

# --- API --------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "portal.base.problems.handle_exception",
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_VERSIONING_CLASS": None,
    "COERCE_DECIMAL_TO_STRING": True,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
# Finds the session of a token; a dotted path, because what is below does not know of customers.
API_SESSIONS = "orders.services.sessions.find_session"
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Stockbridge",
    "DESCRIPTION": "Catalogue, stock, prices and orders of a merchant, between back offices and stores.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "OutcomeEnum": ["created", "updated", "unchanged", "refused"],
        "ProductStatusEnum": ["active", "draft", "archived"],
        "DoorStatusEnum": ["packed", "out", "delivered", "failed", "back", "cancelled"],
        "SalesOrderStatusEnum": ["Pending", "Delivered", "Cancelled"],
    },
    "OAS_VERSION": "3.1.1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# --- Work in the background -------------------------------------------------------------------------------------------

BROKER_URL = _secret("BROKER_URL") or f"filesystem://{VAR_DIR / 'broker'}"


def _broker(url: str) -> tuple[str, dict[str, Any]]:
    """Celery's URL and transport options: ringing the doorbell may fail, but never makes a web request wait."""
    scheme, _, rest = url.partition("://")
    # One try: kombu would repeat a refused connection until the timeout. The worker's own loop is not limited by these.
    once = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
    if scheme == "filesystem":
        folder = Path(unquote(rest))
        for name in ("queue", "control"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        queue = str(folder / "queue")
        return "filesystem://localhost//", {
            "data_folder_in": queue,
            "data_folder_out": queue,
            "control_folder": str(folder / "control"),
            "polling_interval": 0.2,
        }
    if scheme in {"redis", "rediss"}:
        return url, {**once, "socket_timeout": 5, "socket_connect_timeout": 2, "visibility_timeout": 3600}
    return url, {**once, "connect_timeout": 2, "read_timeout": 10, "write_timeout": 5}


CELERY_BROKER_URL, CELERY_BROKER_TRANSPORT_OPTIONS = _broker(BROKER_URL)
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # the worker waits for its broker for ever
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_EXPIRES = None  # no results, hence no clean-up entry in beat
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_ALWAYS_EAGER = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY = env.int("WORKER_CONCURRENCY", default=4)
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_DB_REUSE_MAX = 1000
CELERY_ENABLE_UTC = True
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
# A ring nobody answered in time is worth nothing: the next tick finds the same rows due.
CELERY_BEAT_SCHEDULE = {
    "integrations.tick": {
        "task": "integrations.tick",
        "schedule": timedelta(seconds=2),
        "options": {"expire_seconds": 10},
    },
    "integrations.condition": {
        "task": "integrations.condition",
        "schedule": timedelta(minutes=1),
        "options": {"expire_seconds": 50},
    },
    "catalog.forget_files": {
        "task": "catalog.forget_files",
        "schedule": timedelta(hours=1),
        "options": {"expire_seconds": 1800},
    },
    "integrations.housekeeping": {
        "task": "integrations.housekeeping",
        "schedule": timedelta(hours=1),
        "options": {"expire_seconds": 1800},
    },
    "integrations.count": {
        "task": "integrations.count",
        "schedule": timedelta(hours=1),
        "options": {"expire_seconds": 1800},
    },
    "orders.digest": {
        "task": "orders.digest",
        "schedule": timedelta(minutes=5),
        "options": {"expire_seconds": 240},
    },
    "orders.checkout": {
        "task": "orders.checkout",
        "schedule": timedelta(minutes=1),
        "options": {"expire_seconds": 50},
    },
    "orders.search_captures": {
        "task": "orders.search_captures",
        "schedule": timedelta(minutes=5),
        "options": {"expire_seconds": 240},
    },
    "integrations.webhooks": {
        "task": "integrations.webhooks",
        "schedule": timedelta(hours=1),
        "options": {"expire_seconds": 1800},
    },
}

# What the engine calls for each stream, as dotted paths; checked by `manage.py check`.
SYNC_HANDLERS: dict[str, dict[str, str]] = {
    "product": {
        "apply": "catalog.inbound.apply_products",
        "claim": "catalog.outbound.claim_products",
        "settle_push": "catalog.outbound.settle_products",
        "count": "catalog.outbound.count_products",
        "count_unmapped": "catalog.outbound.count_unmapped",
        "change_flow": "catalog.outbound.change_flow",
        "build": "catalog.outbound.build_product",
        "settle": "catalog.outbound.settle_product",
        "finish": "catalog.inbound.finish_products",
        "feed": "catalog.services.feeds.apply_feed",
        "rows": "catalog.services.item_feeds.ItemFeed",
        "known": "catalog.inbound.count_known",
    },
    "stock": {
        "apply": "catalog.inbound.apply_stock",
        "feed": "catalog.services.feeds.apply_feed",
        "rows": "catalog.services.stock_feeds.StockFeed",
        "claim": "catalog.outbound.claim_stock",
        "settle_push": "catalog.outbound.settle_stock",
        "brake": "catalog.outbound.brake_stock",
        "count": "catalog.outbound.count_stock",
    },
    "price": {
        "apply": "catalog.inbound.apply_prices",
        "feed": "catalog.services.feeds.apply_feed",
        "rows": "catalog.services.price_feeds.PriceFeed",
        "claim": "catalog.outbound.claim_prices",
        "settle_push": "catalog.outbound.settle_prices",
        "brake": "catalog.outbound.brake_prices",
        "count": "catalog.outbound.count_prices",
        "due": "catalog.outbound.ring_due_prices",
    },
    "customer": {
        "apply": "orders.inbound.apply_customers",
        "feed": "catalog.services.feeds.apply_feed",
        "rows": "orders.services.customer_feeds.CustomerFeed",
        "due": "orders.services.standing.ring_due",
        "build": "orders.outbound.build_customer",
        "settle": "orders.outbound.settle_customer",
        "lock": "orders.outbound.lock_customers",
        "release": "orders.outbound.release_customers",
    },
    "order": {
        "apply": "orders.inbound.apply_orders",
        "history": "orders.inbound.apply_history",
        "gone": "orders.inbound.gone_order",
        "build": "orders.outbound.build_order",
        "settle": "orders.outbound.settle_order",
        "lock": "orders.outbound.lock_orders",
        "release": "orders.outbound.release_orders",
        "count": "orders.outbound.count_orders",
        "known": "orders.inbound.count_known",
        "route": "orders.services.rules.note_flow",
    },
    "refund": {
        "build": "orders.outbound.build_refund",
        "settle": "orders.outbound.settle_refund",
        "lock": "orders.outbound.lock_refunds",
        "release": "orders.outbound.release_refunds",
    },
    "shipment": {
        "apply": "orders.inbound.apply_shipments",
        "build": "orders.outbound.build_shipment",
        "settle": "orders.outbound.settle_shipment",
        "lock": "orders.outbound.lock_shipments",
    },
    "invoice": {
        "apply": "orders.inbound.apply_invoices",
        "build": "orders.outbound.bills.build_invoice",
        "settle": "orders.outbound.bills.settle_invoice",
        "route": "orders.services.rules.note_flow",
        "lock": "orders.outbound.bills.lock_invoices",
    },
    "bill": {
        "build": "orders.outbound.bills.build_bill",
        "settle": "orders.outbound.bills.settle_bill",
        "lock": "orders.outbound.bills.lock_bills",
    },
    "payment": {
        "apply": "orders.inbound.apply_payments",
        "build": "orders.outbound.bills.build_payment",
        "settle": "orders.outbound.bills.settle_payment",
        "lock": "orders.outbound.bills.lock_payments",
    },
    "return": {
        "apply": "orders.inbound.apply_returns",
        "build": "orders.outbound.returns.build_return",
        "settle": "orders.outbound.returns.settle_return",
        "lock": "orders.outbound.returns.lock_returns",
    },
    "status": {
        "build": "orders.outbound.status.build_status",
        "settle": "orders.outbound.status.settle_status",
        "lock": "orders.outbound.status.lock_orders",
    },
    "notice": {
        "build": "orders.outbound.notices.build_notice",
        "settle": "orders.outbound.notices.settle_notice",
        "lock": "orders.outbound.status.lock_orders",
    },
}

# --- Time, words, files, mail -----------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE: str = env.str("TIME_ZONE", default="UTC")
USE_TZ = True
USE_I18N = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = LOCAL  # a local portal needs no collectstatic
if LOCAL:
    STATIC_ROOT = VAR_DIR / "static"
    STATIC_ROOT.mkdir(exist_ok=True)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if LOCAL
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
MEDIA_ROOT = VAR_DIR / "media"

vars().update(env.email_url_config(_secret("EMAIL_URL") or "consolemail://"))
EMAIL_TIMEOUT: int = env.int("EMAIL_TIMEOUT", default=20)  # seconds a mail server may be silent
DEFAULT_FROM_EMAIL: str = env.str("DEFAULT_FROM_EMAIL", default="stockbridge@localhost")

LOG_LEVEL: str = env.str("LOG_LEVEL", default="INFO").upper()
LOG_FORMAT: str = env.str("LOG_FORMAT", default="console" if LOCAL else "json")
LOGGING = build_logging(LOG_LEVEL, LOG_FORMAT)

# --- Admin ------------------------------------------------------------------------------------------------------------


def _entry(title: str, icon: str, name: str, roles: str, query: str = "") -> dict[str, Any]:
    """One entry of the navigation: where it leads, and who sees it (portal.base.admin names the roles)."""
    return {
        "title": title,
        "icon": icon,
        "link": lambda request: f"{reverse_lazy(f'admin:{name}')}{query}",
        "permission": f"portal.base.admin.see_as_{roles}",
    }


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Stockbridge",
    "SITE_HEADER": "Stockbridge",
    "SITE_SYMBOL": "sync_alt",
    "SHOW_HISTORY": False,
    "DASHBOARD_CALLBACK": "portal.dashboard.build_today",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("stockbridge/favicon.svg")}
    ],
    "STYLES": [lambda request: static("stockbridge/portal.css")],
    "SCRIPTS": [lambda request: static("stockbridge/search.js")],
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            {
                "items": [
                    _entry("Today", "today", "index", "office"),
                    _entry("Orders", "shopping_cart", "orders_order_changelist", "order_readers", "?see=needs"),
                    _entry("Problems", "error", "integrations_problem_changelist", "office", "?state__exact=open"),
                ]
            },
            {
                "title": "Mapping",
                "separator": True,
                "items": [
                    _entry("Worklist", "link", "catalog_binding_worklist", "office"),
                    _entry("Conflicts", "call_split", "catalog_mappingconflict_changelist", "office"),
                    _entry("Values", "translate", "integrations_valuemapping_changelist", "office"),
                    _entry("Export and import", "swap_vert", "catalog_binding_exchange", "mappers"),
                    _entry("Changes", "history", "catalog_binding_changes", "office"),
                ],
            },
            {
                "title": "Catalogue",
                "separator": True,
                "items": [
                    _entry("Products", "inventory_2", "catalog_product_changelist", "everybody"),
                    _entry("Articles", "category", "catalog_variant_changelist", "everybody"),
                    _entry("Stock", "warehouse", "catalog_stockrecord_changelist", "everybody"),
                    _entry("Prices", "sell", "catalog_price_changelist", "everybody"),
                    _entry("Price lists", "request_quote", "catalog_pricelist_changelist", "office"),
                    _entry("Stock in the shops", "storefront", "catalog_channelstock_changelist", "office"),
                    _entry("Prices in the shops", "price_change", "catalog_channelprice_changelist", "office"),
                    _entry("Plan a push", "fact_check", "catalog_pushplan_changelist", "office"),
                    _entry("Compare with the shops", "compare_arrows", "catalog_shopfigure_changelist", "office"),
                    _entry("Upload a feed", "upload_file", "catalog_feed_add", "mappers"),
                    _entry("Locations", "location_on", "tenancy_location_changelist", "everybody"),
                    _entry("Location groups", "hub", "tenancy_locationgroup_changelist", "office"),
                ],
            },
            {
                "title": "Connections",
                "separator": True,
                "items": [
                    _entry("Connections", "cable", "integrations_connection_changelist", "office"),
                    _entry("Flows", "swap_horiz", "integrations_flow_changelist", "office"),
                    _entry("Procedures", "schedule", "integrations_procedure_changelist", "office"),
                    _entry("Runs", "directions_run", "integrations_syncrun_changelist", "office"),
                    _entry("Messages", "mail", "integrations_command_changelist", "office"),
                    _entry(
                        "Waiting", "hourglass_empty", "integrations_hold_changelist", "office", "?ended_at__isempty=1"
                    ),
                    _entry("Webhooks", "webhook", "integrations_inboundevent_changelist", "office"),
                    _entry("Captures", "photo_camera", "integrations_exchange_changelist", "office"),
                ],
            },
            {
                "title": "Reports",
                "separator": True,
                "items": [
                    _entry("Orders accounted for", "fact_check", "reports_orders", "order_readers"),
                    _entry("Stock and prices", "shelves", "reports_stock", "everybody"),
                ],
            },
            {
                "title": "Settings",
                "separator": True,
                "items": [
                    _entry("Who is told", "notifications", "integrations_mail_told", "owners"),
                    _entry("Rules of the desk", "gavel", "integrations_command_rules", "office"),
                    _entry("People", "group", "tenancy_membership_changelist", "office"),
                    _entry("API keys", "key", "tenancy_apikey_changelist", "owners"),
                    _entry("Price rules", "percent", "catalog_pricerule_changelist", "office"),
                    _entry("Routing rules", "alt_route", "orders_routingrule_changelist", "office"),
                    _entry("Stock rules", "rule", "catalog_allocationrule_changelist", "office"),
                    _entry("Field rules", "edit_note", "orders_fieldruleversion_changelist", "office"),
                    _entry("Order rules", "filter_alt", "orders_orderrule_changelist", "office"),
                    _entry("Orders from before", "history", "orders_order_before", "office"),
                    _entry("Customers", "person", "orders_customer_changelist", "order_readers"),
                ],
            },
        ],
    },
}
