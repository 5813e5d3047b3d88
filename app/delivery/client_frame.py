"""What a client says on the WebSocket: subscribe or unsubscribe; everything else means nothing (contract 6)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError


class ClientFrame(BaseModel):
    """A text frame of a client.

    `since` (our addition, subscribe only) asks for the stored events after this `seq` first. It may be anything: a
    wrong one is answered, not ignored.
    """

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    type: Literal["subscribe", "unsubscribe"]
    topics: tuple[str, ...]
    since: Any = None

    @property
    def asks_for_replay(self) -> bool:
        """Whether stored events are asked for."""
        return self.type == "subscribe" and self.since is not None


def read_client_frame(text: str) -> ClientFrame | None:
    """Return what the client wants, None for invalid JSON and unknown types, which are ignored."""
    try:
        return ClientFrame.model_validate_json(text)
    except ValidationError:
        return None
