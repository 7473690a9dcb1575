"""Tell stations, by a retained message a community, which versions are published."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from cloud_sync.ledger.downlink.models import Published
from cloud_sync.transport.mqtt import MqttLink
from cloud_sync.wire import topics
from cloud_sync.wire.publication import VersionNotice

LOOK_S = 0.5
"""How often a worker looks for new versions: a part of the time until a blocked card is refused."""


class Notices:
    """Publishes the notices of one worker; with several workers, each tells the same."""

    def __init__(self, link: MqttLink, now: Callable[[], float]) -> None:
        """Publish by `link`; `now` gives monotonic seconds."""
        self._link, self._now = link, now
        self._told: dict[str, VersionNotice] = {}
        self._connections = 0
        self._look_at = now()

    def turn(self) -> None:
        """Publish each notice that changed; after a new connection all, for the broker may have lost them."""
        if not self._link.connected:
            return
        if self._connections != self._link.connections:
            self._told.clear()
            self._connections, self._look_at = self._link.connections, self._now()
        if self._now() < self._look_at:
            return
        self._look_at = self._now() + LOOK_S
        for community, notice in _notices().items():
            if self._told.get(community) != notice and self._takes(community, notice):
                self._told[community] = notice

    def _takes(self, community: str, notice: VersionNotice) -> bool:
        message = msgspec.json.encode(notice)
        return self._link.publish(topics.notice(community), message, retain=True) is not None


def _notices() -> dict[str, VersionNotice]:
    versions: dict[str, dict[str, int]] = {}
    for community, kind, version in Published.objects.values_list("community__slug", "kind", "version"):
        versions.setdefault(community, {})[kind] = version
    return {community: VersionNotice(dict(sorted(told.items()))) for community, told in versions.items()}
