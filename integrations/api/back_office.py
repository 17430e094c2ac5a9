"""What the addresses share that a back office writes to."""

from __future__ import annotations

from integrations.api.door import ConnectedView, require_live
from integrations.models import Connection
from portal.base.problems import Problem

WRITERS = (Connection.Role.BACK_OFFICE, Connection.Role.ACCOUNTING)


class BackOfficeView(ConnectedView):
    """For keys of a connection that is a back office."""

    def require_back_office(self) -> None:
        """Problem where the key is a shop's, or its connection only watches."""
        if self.connection.role not in WRITERS:
            words = (
                f"{self.connection} is a {self.connection.get_role_display().lower()}: only a back office says this."
            )
            raise Problem(403, "not_a_back_office", words)
        require_live(self.connection)
