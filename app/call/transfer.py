"""Transfers as they are ordered: one party of a connection leaves the other one to somebody else."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

from app.call.call_scope import hang_up_safely
from app.call.live_call import LiveCall
from app.call.outbound import OutgoingCall
from app.call.party import Party
from app.call.wait_any import wait_any
from app.domain.call import HangupReason
from app.domain.transfer import TransferType

GOODBYE_SECONDS = 1.0
"""How long a party that has transferred may take to hang up by itself: its telephone is told of the success first."""


@dataclass(frozen=True, slots=True)
class TransferOrder:
    """The party of the call `leaving_id` transfers its peer to the first of `callees` that answers."""

    type: TransferType
    leaving_id: str
    callees: Sequence[OutgoingCall]


@dataclass(frozen=True, slots=True)
class Handover:
    """The peer of `leaving_id` goes into another connection: it is put into `taken`."""

    leaving_id: str
    taken: "asyncio.Future[Party]"


@dataclass(frozen=True, slots=True)
class Adoption:
    """The peer of `leaving_id` talks with `newcomer`, who comes from another connection."""

    leaving_id: str
    newcomer: Party


Order = TransferOrder | Handover | Adoption


class Farewell:
    """`async with Farewell(call)`: the call ends meanwhile, by itself or a moment later by us."""

    def __init__(self, call: LiveCall) -> None:
        self._call = call
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._wait(), name="farewell")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _wait(self) -> None:
        await wait_any(self._call.wait_gone(), asyncio.sleep(GOODBYE_SECONDS))
        if not self._call.is_gone:
            await hang_up_safely(self._call, HangupReason.NORMAL)
