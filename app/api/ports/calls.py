"""The calls: made one by one or in groups, transferred, spoken to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from app.domain.call import Address, Call, MuteDirection
from app.domain.customer import RingMethod
from app.domain.flow import Action
from app.domain.groupcall import Groupcall
from app.domain.ids import ZERO_ID
from app.domain.recording import RecordingRequest
from app.domain.speaking import Speaking
from app.domain.transfer import TransferType


@dataclass(frozen=True, slots=True)
class CallOrder:
    """Calls to be made. `actions` are checked, with ids; they count only where `flow_id` is ZERO_ID.

    `owner_id` is the agent that asks, ZERO_ID for an access key.
    """

    customer_id: str
    source: Address
    destinations: tuple[Address, ...]
    flow_id: str
    actions: tuple[Action, ...]
    anonymous: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    owner_id: str = ""
    is_early: bool = False
    master_call_id: str = ZERO_ID
    """The call of the flow that orders, where the new calls end with it."""


@dataclass(frozen=True, slots=True)
class PlacedCalls:
    """What an order became: a call for each sip or tel destination, a groupcall for each agent or extension."""

    calls: tuple[Call, ...]
    groupcalls: tuple[Groupcall, ...]


class CallPort(Protocol):
    """The calls. Every method but `place` takes a call of this customer; NotFound when there is none.

    Those that need a live call raise StateInvalid (CallAlreadyHangup) for an ended one, LegGone when it just ends.
    """

    async def place(self, order: CallOrder) -> PlacedCalls:
        """Begin to dial. InvalidArgument (source, destinations.N), PermissionDenied, NotFound (flow), Unavailable."""
        ...

    async def hang_up(self, customer_id: str, call_id: str) -> Call:
        """Begin to end a live call and return it as it is then (terminating, canceling or hangup)."""
        ...

    async def delete(self, customer_id: str, call_id: str) -> Call:
        """Hang up where it lives, wait for its end, and delete it."""
        ...

    async def hold(self, customer_id: str, call_id: str, *, is_on: bool) -> None:
        """Put the party on hold, or back."""
        ...

    async def music(self, customer_id: str, call_id: str, *, is_on: bool) -> None:
        """Play music on hold to the party, or end it."""
        ...

    async def silence(self, customer_id: str, call_id: str, *, is_on: bool) -> None:
        """Send silence to the party, or end it."""
        ...

    async def mute(self, customer_id: str, call_id: str, direction: MuteDirection, *, is_on: bool) -> None:
        """Mute a direction, or no more."""
        ...

    async def talk(self, customer_id: str, call_id: str, text: str, language: str) -> None:
        """Speak to the party over whatever runs; answers a ringing incoming call. Returns when the speech has begun."""
        ...

    async def start_recording(self, customer_id: str, call_id: str, request: RecordingRequest) -> Call:
        """Record the call; StateInvalid when it is not progressing or is recorded already."""
        ...

    async def stop_recording(self, customer_id: str, call_id: str) -> Call:
        """End the call's recording; StateInvalid when there is none."""
        ...


class GroupcallPort(Protocol):
    """Calls to several destinations of which one is to answer."""

    async def place(self, order: CallOrder, ring_method: RingMethod) -> Groupcall:
        """Begin to dial; the errors of CallPort.place."""
        ...

    async def hang_up(self, customer_id: str, groupcall_id: str) -> Groupcall:
        """Hang up all its legs; one that has ended is returned as it is."""
        ...

    async def delete(self, customer_id: str, groupcall_id: str) -> Groupcall:
        """Hang up where it lives, and delete it."""
        ...


class TransferPort(Protocol):
    """Transfers of connected calls."""

    async def start(self, transferer: Call, kind: TransferType, destinations: Sequence[Address]) -> str:
        """Begin a transfer; the first call that it makes. StateInvalid, CallAlreadyHangup, InvalidArgument."""
        ...


class SpeakingPort(Protocol):
    """Voices in live calls (contract 5, /speakings). NotFound for one that is not there or another customer's."""

    async def start(self, customer_id: str, order: Speaking) -> Speaking:
        """Give a live call a voice; NotFound, StateInvalid (not progressing, or it has one)."""
        ...

    async def find(self, customer_id: str, speaking_id: str) -> Speaking:
        """Return a voice, stopped ones of live calls too."""
        ...

    async def list(self, customer_id: str) -> Sequence[Speaking]:
        """Return the voices of live calls, newest first."""
        ...

    async def say(self, customer_id: str, speaking_id: str, text: str) -> Speaking:
        """Queue a text; returns when it is queued. StateInvalid when the voice was stopped."""
        ...

    async def flush(self, customer_id: str, speaking_id: str) -> Speaking:
        """Stop what is being said and forget what waits."""
        ...

    async def stop(self, customer_id: str, speaking_id: str) -> Speaking:
        """End the voice; idempotent."""
        ...

    async def delete(self, customer_id: str, speaking_id: str) -> Speaking:
        """End the voice and forget it."""
        ...
