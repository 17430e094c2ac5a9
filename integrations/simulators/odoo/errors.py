"""What Odoo raises, with the status and body JSON-2 gives each.

documented: odoo/exceptions.py (`http_status` of UserError 422, AccessError 403, MissingError 404) and odoo/http.py,
`Json2Dispatcher.handle_error` and `serialize_exception`; every other Python exception is a 500.
"""

from __future__ import annotations

from typing import Any


class OdooError(Exception):
    """An error answer: {name, message, arguments, context, debug} under `status`."""

    status = 500
    name = "builtins.Exception"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def arguments(self) -> list[Any]:
        return [self.message]

    def body(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "message": self.message,
            "arguments": self.arguments,
            "context": {},
            "debug": f"Traceback (most recent call last):\n{self.name}: {self.message}\n",
        }


class UserError(OdooError):
    status = 422
    name = "odoo.exceptions.UserError"


class ValidationError(UserError):
    name = "odoo.exceptions.ValidationError"


class AccessError(UserError):
    status = 403
    name = "odoo.exceptions.AccessError"


class AccessDenied(UserError):
    """A wrong login, password or key."""

    status = 403
    name = "odoo.exceptions.AccessDenied"

    def __init__(self, message: str = "Access Denied") -> None:
        super().__init__(message)


class MissingError(UserError):
    status = 404
    name = "odoo.exceptions.MissingError"


class BadValue(OdooError):
    """A ValueError nobody catches: an unknown field, operator or selection value (500, seen live)."""

    name = "builtins.ValueError"


class HttpError(OdooError):
    """A werkzeug exception: its arguments are the description and the code."""

    @property
    def arguments(self) -> list[Any]:
        return [self.message, self.status]


class BadRequest(HttpError):
    status = 400
    name = "werkzeug.exceptions.BadRequest"


class Unauthorized(HttpError):
    status = 401
    name = "werkzeug.exceptions.Unauthorized"


class NotFound(HttpError):
    status = 404
    name = "werkzeug.exceptions.NotFound"


class Unprocessable(HttpError):
    status = 422
    name = "werkzeug.exceptions.UnprocessableEntity"
