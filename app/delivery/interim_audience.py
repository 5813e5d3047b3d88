"""Who would get an interim: nobody needs to make one that no WebSocket and no webhook waits for."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from app.domain.events import Event, EventType
from app.domain.timestamps import now
from app.domain.transcribe import Transcribe
from app.domain.transcript import SpeechEvent
from app.wire.topics import EventTopics, topics_of

FindTargets = Callable[[Event], Sequence[object]]
"""Gives the webhooks that an event goes to."""


class Reader(Protocol):
    """A client that has subscribed to topics."""

    def wants(self, customer_id: str, topics: EventTopics) -> bool:
        """Whether it has subscribed to an event of this customer with these topics; for any thread."""


class InterimAudience:
    """Tells, as it is at the moment, whether the interims of a transcribe have anybody to go to."""

    def __init__(self, find_targets: FindTargets) -> None:
        self._find_targets = find_targets
        self.readers: Callable[[], Iterable[Reader]] = tuple
        """All clients that listen now, for any thread; until it is set there is none."""

    def of(self, transcribe: Transcribe) -> Callable[[], bool]:
        """Return what tells it for one transcribe; it costs some microseconds, on any thread.

        A client that subscribes later counts from then on.
        """
        probe = _probe(transcribe)
        topics = topics_of(probe)

        def is_wanted() -> bool:
            if any(reader.wants(transcribe.customer_id, topics) for reader in self.readers()):
                return True
            return bool(self._find_targets(probe))

        return is_wanted


def _probe(transcribe: Transcribe) -> Event:
    """Return an interim without an id of its own: its topics are what those of all interims begin with."""
    moment = now()
    speech = SpeechEvent(
        id="",
        customer_id=transcribe.customer_id,
        transcribe_id=transcribe.id,
        direction=transcribe.direction,
        streaming_id="",
        tm_event=moment,
        tm_create=moment,
        message="",
    )
    return Event(EventType.TRANSCRIBE_SPEECH_INTERIM, speech, about=transcribe.reference_id)
