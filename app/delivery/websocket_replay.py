"""A replay on a WebSocket: stored events that a client missed, then live ones without a gap or a duplicate between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from app.delivery.stored_events import Span
from app.domain.events import Event, EventRecord, EventType
from app.wire.topics import EventTopics, TopicSet

_SPEECH = frozenset(
    {
        EventType.TRANSCRIBE_SPEECH_STARTED.value,
        EventType.TRANSCRIBE_SPEECH_INTERIM.value,
        EventType.TRANSCRIBE_SPEECH_ENDED.value,
    }
)


def is_replayable(event: Event | EventRecord) -> bool:
    """Tell whether an event can be in a replay: speech events are not, they are of the moment."""
    return event.type not in _SPEECH


@dataclass(frozen=True, slots=True)
class Replayed:
    """A replay that is over: all that these topics match has been sent up to `end`."""

    topics: TopicSet
    end: int

    def had(self, event: Event, topics: EventTopics) -> bool:
        """Tell whether it sent this event, which comes live as well."""
        return event.seq <= self.end and is_replayable(event) and self.topics.delivery_of(topics) is not None


def incomplete_frame(since: object, span: Span) -> str:
    """Return the frame that says from where on (`oldest`) there is everything, and why not before."""
    return _frame(
        "replay_incomplete", {"since": _echo(since), "oldest": span.start + 1, "reason": span.reason}, span.start
    )


def done_frame(since: object, replayed: int, end: int) -> str:
    """Return the frame after the last replayed event; what follows is live."""
    return _frame("replay_done", {"since": _echo(since), "replayed": replayed}, end)


def _frame(kind: str, fields: dict[str, Any], seq: int) -> str:
    return to_json({"type": kind, "data": fields, "seq": seq}).decode()


def _echo(since: object) -> int | None:
    return since if isinstance(since, int) and not isinstance(since, bool) else None
