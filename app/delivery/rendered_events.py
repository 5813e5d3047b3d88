"""Rendered events: each event becomes JSON once, however many connections want it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from app.domain.events import Event
from app.wire.event import EventText, event_text, with_seq
from app.wire.topics import EventTopics, topics_of

_KEPT = 1024  # more than one connection may have waiting, so that also the slowest finds its events here


@dataclass(frozen=True, slots=True)
class RenderedEvent:
    """An event ready to be sent. It holds the event so that the identity by which it is kept stays its own."""

    event: Event
    topics: EventTopics
    text: EventText


def numbered(text: EventText, seq: int) -> EventText:
    """Return both texts with the `seq` that every frame carries."""
    return EventText(with_seq(text.envelope, seq), with_seq(text.bare, seq))


class RenderedEvents:
    """Remembers the last events by identity, not by equality: events are compared and hashed by content, at a cost."""

    def __init__(self) -> None:
        self._by_identity: OrderedDict[int, RenderedEvent] = OrderedDict()

    def of(self, event: Event) -> RenderedEvent:
        """Return the rendered form of `event`."""
        known = self._by_identity.get(id(event))
        if known is not None:
            return known
        rendered = RenderedEvent(event, topics_of(event), numbered(event_text(event), event.seq))
        self._by_identity[id(event)] = rendered
        if len(self._by_identity) > _KEPT:
            self._by_identity.popitem(last=False)
        return rendered
