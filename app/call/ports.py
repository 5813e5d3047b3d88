"""What a live call needs from above without knowing it: the flow that a call runs, and who wants to know of its end."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from app.domain.ids import ZERO_ID

if TYPE_CHECKING:
    from app.call.live_call import LiveCall
    from app.domain.call import Address
    from app.domain.conference import Conference
    from app.domain.events import Event, EventType
    from app.journal.journal import Write

OnCall = Callable[["LiveCall"], Awaitable[None]]
"""Runs the call's flow; returns when the flow has ended. Cancelled when the party hangs up."""

Closer = Callable[[], Awaitable[None]]
"""Something that belongs to the call and must end with it, e.g. a transcribe that flushes its last words."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A call that comes in. `kind`: incoming (anybody), or extension or trunk, which have an `endpoint` of Asterisk."""

    number: str
    caller: "Address"
    kind: str = "incoming"
    endpoint: str = ""
    named_number: str = ""
    """The number in To, of a call over a trunk: providers that we register with often call the account instead."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What answers an arrival: whose call it is, from whom, and what runs it."""

    customer_id: str
    source: "Address"
    destination: "Address"
    on_call: OnCall
    flow_id: str = ZERO_ID
    """The flow that `on_call` runs: clients tell by the first event of a call which of their numbers it came in on."""


class ConferenceJournal(Protocol):
    """The part of the journal that conferences use; `app.journal.journal.Journal` is it."""

    async def create(self, item: "Conference", *types: "EventType", about: str = "") -> "Conference":
        """Store a new conference and tell it; as it is stored."""

    async def change(self, item: "Conference", *types: "EventType", about: str = "") -> None:
        """Replace a stored conference and tell what happened to it."""

    async def commit(self, write: "Write") -> "tuple[Event, ...]":
        """Run `write` in a transaction and tell the events that it returns."""
