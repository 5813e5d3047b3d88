"""A call as data: its addresses, its status machine and why it ended (contract 3.1, 3.4, 3.5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.domain.ids import ZERO_ID


class AddressType(StrEnum):
    """What an address reaches (contract 3.1, as far as a telephone can reach it)."""

    AGENT = "agent"
    CONFERENCE = "conference"
    EXTENSION = "extension"
    LINE = "line"
    SIP = "sip"
    TEL = "tel"


@dataclass(frozen=True, slots=True)
class Address:
    """One party's address.

    `target` is E.164 with + (tel), `user@host[:port]` without `sip:` (sip), the id of the agent or conference; for an
    extension its id or empty, `target_name` is then the number that is dialled.
    """

    type: AddressType = AddressType.SIP
    target: str = ""
    target_name: str = ""
    name: str = ""
    detail: str = ""


class CallDirection(StrEnum):
    """Who began the call, seen from us."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"


class CallStatus(StrEnum):
    """Where a call is in its life."""

    DIALING = "dialing"
    RINGING = "ringing"
    PROGRESSING = "progressing"
    TERMINATING = "terminating"
    CANCELING = "canceling"
    HANGUP = "hangup"


ALLOWED_NEXT: Mapping[CallStatus, frozenset[CallStatus]] = {
    CallStatus.DIALING: frozenset(
        {
            CallStatus.RINGING,
            CallStatus.PROGRESSING,
            CallStatus.TERMINATING,
            CallStatus.CANCELING,
            CallStatus.HANGUP,
        }
    ),
    CallStatus.RINGING: frozenset(
        {CallStatus.PROGRESSING, CallStatus.TERMINATING, CallStatus.CANCELING, CallStatus.HANGUP}
    ),
    CallStatus.PROGRESSING: frozenset({CallStatus.TERMINATING, CallStatus.HANGUP}),
    CallStatus.TERMINATING: frozenset({CallStatus.HANGUP}),
    CallStatus.CANCELING: frozenset({CallStatus.HANGUP}),
    CallStatus.HANGUP: frozenset(),
}


class CallType(StrEnum):
    """What a call is for: it runs a flow, or it is the leg through which a flow talks to a conference."""

    FLOW = "flow"
    CONFERENCE = "conference"


class MuteDirection(StrEnum):
    """Which way a call is muted: `in` = the party is not heard, `out` = the party hears nothing."""

    NONE = ""
    IN = "in"
    OUT = "out"
    BOTH = "both"

    def plus(self, other: "MuteDirection") -> "MuteDirection":
        """Return what is muted when `other` is muted too."""
        return _MUTE_OF[_PARTS[self] | _PARTS[other]]

    def minus(self, other: "MuteDirection") -> "MuteDirection":
        """Return what stays muted when `other` is muted no more (both minus in = out)."""
        return _MUTE_OF[_PARTS[self] - _PARTS[other]]


_PARTS: Mapping[MuteDirection, frozenset[str]] = {
    MuteDirection.NONE: frozenset(),
    MuteDirection.IN: frozenset({"in"}),
    MuteDirection.OUT: frozenset({"out"}),
    MuteDirection.BOTH: frozenset({"in", "out"}),
}
_MUTE_OF = {parts: direction for direction, parts in _PARTS.items()}


class HangupBy(StrEnum):
    """Which side ended the call; empty while it lives."""

    NONE = ""
    LOCAL = "local"
    REMOTE = "remote"


class HangupReason(StrEnum):
    """Why the call ended; empty while it lives."""

    NONE = ""
    NORMAL = "normal"
    BUSY = "busy"
    NOANSWER = "noanswer"
    DIALOUT = "dialout"
    FAILED = "failed"
    CANCEL = "cancel"
    TIMEOUT = "timeout"
    AMD = "amd"


class AnsweredBy(StrEnum):
    """Who seems to have answered a call, by how it sounds."""

    HUMAN = "human"
    MACHINE = "machine"
    UNSURE = "unsure"


class PlayOutcome(StrEnum):
    """How a playback ended; a party that hung up is LegGone instead."""

    DONE = "done"
    STOPPED_BY_DIGIT = "stopped_by_digit"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class CallAction:
    """The action that the call's flow runs now, as the API shows it."""

    id: str = ZERO_ID
    type: str = ""
    next_id: str = ZERO_ID
    option: Mapping[str, object] = field(default_factory=dict)
    tm_execute: datetime | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One conversation that we control. Change it with `dataclasses.replace`."""

    id: str
    customer_id: str
    direction: CallDirection
    status: CallStatus
    source: Address
    destination: Address
    tm_create: datetime
    tm_update: datetime
    flow_id: str = ZERO_ID
    activeflow_id: str = ZERO_ID
    type: CallType = CallType.FLOW
    owner_type: str = ""
    owner_id: str = ZERO_ID
    master_call_id: str = ZERO_ID
    chained_call_ids: tuple[str, ...] = ()
    recording_id: str = ZERO_ID
    recording_ids: tuple[str, ...] = ()
    groupcall_id: str = ZERO_ID
    mute_direction: MuteDirection = MuteDirection.NONE
    action: CallAction = field(default_factory=CallAction)
    hangup_by: HangupBy = HangupBy.NONE
    hangup_reason: HangupReason = HangupReason.NONE
    tm_ringing: datetime | None = None
    tm_progressing: datetime | None = None
    tm_hangup: datetime | None = None
    tm_delete: datetime | None = None

    @property
    def is_ended(self) -> bool:
        """Whether the call is over for good."""
        return self.status is CallStatus.HANGUP
