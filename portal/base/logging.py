"""Structured logs: JSON in production, readable in development, a request id on every line, no secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import structlog

REDACTED = "[redacted]"
_SECRET_NAMES = re.compile(
    r"authorization|token|secret|passw|cookie|credential|api_?key|private_?key|signature|session_?id", re.IGNORECASE
)
_SECRET_TEXT = re.compile(
    r"(?i)\b(authorization\s*[:=]\s*(?:(?:basic|bearer|oauth)\s+)?|bearer\s+|basic\s+(?=[a-z0-9+/]{8})"
    r"|(?:[a-z_]*token|api_?key|[a-z_]*secret|passw(?:or)?d)[\"']?\s*[:=]\s*[\"']?)[^\s\"',&;]+"
)


def redact(value: Any) -> Any:
    """`value` with what stands under secret names, and what looks like a secret in text, taken out."""
    if isinstance(value, Mapping):
        return {key: REDACTED if _SECRET_NAMES.search(str(key)) else redact(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item) for item in value]
    if isinstance(value, str):
        return _SECRET_TEXT.sub(rf"\g<1>{REDACTED}", value)
    return value


def redact_event(_logger: Any, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """The structlog processor: every field of a line, by its name and by its text."""
    internal = {key: item for key, item in event.items() if key.startswith("_")}
    return {**redact({key: item for key, item in event.items() if key not in internal}), **internal}


def build_logging(level: str, log_format: str) -> dict[str, Any]:
    """The LOGGING setting. `log_format` is json or console; everything goes to standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: Any = (
        structlog.processors.JSONRenderer(default=str)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    # A traceback is text by the time redact_event sees it, in both formats.
    finish = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact_event,
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        renderer,
    ]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": finish,
                "foreign_pre_chain": [structlog.contextvars.merge_contextvars, structlog.stdlib.ExtraAdder()],
            }
        },
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"level": level},
            "django.server": {"handlers": ["stderr"], "level": level, "propagate": False},
            "celery.app.trace": {"level": "WARNING" if level == "INFO" else level},
            "celery.beat": {"level": "WARNING" if level == "INFO" else level},
            "axes": {"level": "WARNING"},
            "kombu": {"level": "WARNING"},
            "amqp": {"level": "WARNING"},
            # Its debug lines hold whole addresses, and some platforms want their keys in them.
            "urllib3": {"level": "WARNING"},
        },
    }
