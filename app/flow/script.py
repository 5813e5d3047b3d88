"""What happens to a simulated call: what its party does, what others answer, and when it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from app.domain.call import AnsweredBy
from app.domain.flow import Flow

T = TypeVar("T")


class ConnectOutcome(StrEnum):
    """How a connect ends: somebody answers, or nobody for this reason."""

    ANSWERED = "answered"
    BUSY = "busy"
    NOANSWER = "noanswer"
    FAILED = "failed"


class QueueOutcome(StrEnum):
    """How a stay in a queue ends: with an agent, at the queue's wait_timeout, or by an order of the API."""

    ANSWERED = "answered"
    TIMEOUT = "timeout"
    KICKED = "kicked"


def _no_flow(flow_id: str) -> Flow | None:
    return None


@dataclass(frozen=True, slots=True)
class Script:
    """One play. Where a tuple has outcomes, each time takes the next one, and the last one stays."""

    digits: str = ""
    """What the party presses when the flow waits for digits."""
    said: tuple[str, ...] = ()
    """What it says to each speech_receive; "" = nothing."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What the call begins with, as POST /calls supplies it; without a call also names that begin with `voipbin.`."""
    number: str = ""
    """The number that was called; "" = the flow's first one."""
    caller: str = "simulation"
    connects: tuple[ConnectOutcome, ...] = (ConnectOutcome.ANSWERED,)
    queues: tuple[QueueOutcome, ...] = (QueueOutcome.ANSWERED,)
    wait_flow: Flow | None = None
    """What callers hear in a queue; None = music."""
    pre_flow: Flow | None = None
    """What conference_join runs first."""
    answered_by: AnsweredBy = AnsweredBy.HUMAN
    """What amd finds."""
    fetched: tuple[bytes, ...] = (b"[]",)
    """The bodies that addresses of fetch answer."""
    replies: tuple[bytes, ...] = (b"{}",)
    """The bodies that addresses of webhook_send answer."""
    ai_answers: tuple[str, ...] = ("An answer of the language model.",)
    began: datetime | None = None
    """When it is (UTC) at its beginning; None = now."""
    has_call: bool = True
    """False = the flow runs without a call, as one of POST /activeflows or one that follows a recording."""
    hangup_seconds: float | None = None
    """When the party hangs up; None = never."""
    most_seconds: float | None = None
    """How long a call may last; None = for ever."""
    find_flow: Callable[[str], Flow | None] = _no_flow
    """Gives other flows by their id, for fetch_flow."""

    def name_flow(self, flow_id: str) -> str:
        """Return what a flow is called: the name of its file, else its id."""
        flow = self.find_flow(flow_id)
        return flow_id if flow is None else flow.name_key


class Outcomes:
    """Takes outcomes in their order; the last one stays."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def take(self, kind: str, outcomes: Sequence[T]) -> T:
        """Return the next of `outcomes`, which has one at least; `kind` is what they are of."""
        count = self._taken.get(kind, 0)
        self._taken[kind] = count + 1
        return outcomes[min(count, len(outcomes) - 1)]
