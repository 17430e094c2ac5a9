"""The API's door for files, with a key of the merchant; and a worker behind it."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.utils import timezone

from catalog.models import Feed
from integrations.models import SyncRun
from integrations.sync import runs
from integrations.sync.execute import execute
from portal.tenancy.models import ApiKey
from tests.world import World


class Door:
    def __init__(self, world: World, stream: str) -> None:
        self.world, self.stream, self.client = world, stream, Client()
        _, self.key = ApiKey.create_key(merchant=world.merchant, name=f"ERP {stream}", scopes=["feeds"])

    def send(self, body: str | bytes, **query: str) -> Any:
        return self.client.generic(
            "POST",
            f"/api/v1/feeds/{self.stream}",
            body.encode() if isinstance(body, str) else body,
            content_type="text/csv",
            query_params=query,
            headers={"Authorization": f"Bearer {self.key}"},
        )

    def take_over(self, body: str | bytes, **query: str) -> Any:
        """Send it and let the worker do its work; how the file is described afterwards."""
        answer = self.send(body, **query)
        assert answer.status_code == 202, answer.content
        feed = Feed.plain.get(public_id=answer.json()["id"])
        assert feed.run_id is not None
        execute(feed.run_id)
        found = self.client.get(answer.json()["url"], headers={"Authorization": f"Bearer {self.key}"})
        return found.json()

    def refuse(self, body: str | bytes, status: int = 400, **query: Any) -> Any:
        """Send it; it is refused, and no run was asked for."""
        before = SyncRun.plain.count()
        answer = self.send(body, **query)
        assert answer.status_code == status, answer.content
        assert answer["Content-Type"] == "application/problem+json"
        assert SyncRun.plain.count() == before
        return answer.json()

    def receive(self, body: str) -> Feed:
        """As the door does, as far as the run."""
        answer = self.send(body)
        assert answer.status_code == 202, answer.content
        return Feed.plain.select_related("connection__merchant").get(public_id=answer.json()["id"])

    def begin(self, feed: Feed) -> SyncRun:
        """Lease its run, as a worker does."""
        assert feed.run_id is not None
        run = runs.take(feed.run_id, timezone.now())
        assert run is not None
        return run
