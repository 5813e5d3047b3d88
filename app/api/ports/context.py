"""Everything that the API reaches, in one place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.api.ports.calls import CallPort, GroupcallPort, SpeakingPort, TransferPort
from app.api.ports.conferences import ConferencePort, QueuePort
from app.api.ports.flows import ActiveflowPort, FlowPort
from app.api.ports.program import HealthReport, LiveFeed, PhonePort, WebhookPort
from app.api.ports.sounds import MediaStreamPort, OfferedLanguage, RecordingPort, TranscribePort
from app.api.rate_limits import RateLimits
from app.journal.journal import Journal
from app.store import Store


@dataclass(frozen=True, slots=True)
class ApiContext:
    """Everything that the API reaches. `token_secret` signs the log-in tokens (32 bytes or more)."""

    store: Store
    journal: Journal
    calls: CallPort
    groupcalls: GroupcallPort
    transfers: TransferPort
    conferences: ConferencePort
    queues: QueuePort
    recordings: RecordingPort
    speakings: SpeakingPort
    media_streams: MediaStreamPort
    transcribes: TranscribePort
    flows: FlowPort
    activeflows: ActiveflowPort
    phones: PhonePort
    webhooks: WebhookPort
    live_feed: LiveFeed
    languages: Callable[[], Sequence[OfferedLanguage]]
    health: Callable[[], Awaitable[HealthReport]]
    metrics: Callable[[], bytes]
    prompt_path: Callable[[str], Path | None]
    token_secret: bytes
    sip_domain: str = "127.0.0.1"
    """Where phones register: shown in extensions, `<customer id>.registrar.<sip_domain>` (contract 5)."""
    rate_limits: RateLimits = field(default_factory=RateLimits)
