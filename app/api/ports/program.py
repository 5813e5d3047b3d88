"""The program itself: what it tells clients, whether it is well, what Asterisk knows of phones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from app.domain.customer import Identity


class PhonePort(Protocol):
    """Asterisk's knowledge of phones and trunks; nothing of it outlives a restart of Asterisk, the store does."""

    async def sync(self) -> None:
        """Make Asterisk's endpoints those of the store's extensions and trunks. Asterisk being away is no error:
        it is done again when it is back.
        """
        ...


class WebhookPort(Protocol):
    """The sender of webhooks."""

    def wake(self) -> None:
        """There are deliveries to send."""
        ...


class LiveFeed(Protocol):
    """The WebSocket behind `/v1.0/ws`."""

    async def serve(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """Serve one connection until it ends."""
        ...

    def recheck(self) -> None:
        """Look now whether those who are connected may still be: a key or an agent was deleted or changed."""
        ...

    async def close(self) -> None:
        """Close all connections with 1001; called when the server begins to close."""
        ...


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Whether a call would be answered and transcribed now; `missing`: part -> what is wrong, empty when healthy.

    `parts` are further facts to show (part -> value), e.g. {"asterisk": "22.10.1"}.
    """

    missing: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing
