"""What the API needs from the rest of the application, which it does not know."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from aiohttp import web

from app.api.rate_limits import RateLimits
from app.domain.call import Call
from app.domain.customer import Identity
from app.domain.transcribe import Direction, ReferenceType, Transcribe
from app.store import Store


class CallPort(Protocol):
    """The live calls."""

    async def hang_up(self, customer_id: str, call_id: str) -> Call:
        """Begin to end a live call and return it as it is then (terminating, canceling or hangup)."""
        ...


class TranscribePort(Protocol):
    """The live transcribes."""

    async def start(
        self,
        *,
        customer_id: str,
        reference_type: ReferenceType,
        reference_id: str,
        language: str,
        direction: Direction,
        on_end_flow_id: str,
        provider: str,
        end_of_silence_ms: int | None,
    ) -> Transcribe:
        """Start to transcribe a live call of this customer and return the stored transcribe.

        `language` is a canonical tag. Raises NotFound, StateInvalid, TranscribeAlreadyProgressing,
        LanguageNotInstalled, InvalidArgument or Unavailable.
        """
        ...

    async def stop(self, transcribe_id: str) -> Transcribe:
        """End a progressing transcribe, its last words flushed, and return it as stored; idempotent."""
        ...


class LiveFeed(Protocol):
    """The WebSocket behind `/v1.0/ws`."""

    async def serve(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """Serve one connection until it ends."""
        ...

    async def close(self) -> None:
        """Close all connections with 1001; called when the server begins to close."""
        ...


@dataclass(frozen=True, slots=True)
class OfferedLanguage:
    """A language that can be transcribed, or could be after an installation."""

    code: str
    engine: str
    model: str
    is_installed: bool


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


@dataclass(frozen=True, slots=True)
class ApiContext:
    """Everything that the API reaches. `token_secret` signs the log-in tokens (32 bytes or more)."""

    store: Store
    calls: CallPort
    transcribes: TranscribePort
    live_feed: LiveFeed
    languages: Callable[[], Sequence[OfferedLanguage]]
    health: Callable[[], Awaitable[HealthReport]]
    metrics: Callable[[], bytes]
    prompt_path: Callable[[str], Path | None]
    token_secret: bytes
    rate_limits: RateLimits = field(default_factory=RateLimits)
