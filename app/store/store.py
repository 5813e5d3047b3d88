"""The store: all resources, alone or together in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import update

from app.domain.call import Call, CallStatus, HangupBy, HangupReason
from app.domain.flow import Activeflow, ActiveflowStatus
from app.domain.timestamps import now
from app.domain.transcribe import Transcribe, TranscribeStatus
from app.errors import Unavailable
from app.store.access_keys import AccessKeys
from app.store.activeflows import Activeflows
from app.store.agents import Agents
from app.store.calls import Calls
from app.store.connections import Access, Borrowed, Connections
from app.store.customers import Customers
from app.store.schema import WRITE_PROBE
from app.store.transcribes import Transcribes
from app.store.transcripts import Transcripts

_PROBE_SECONDS = 3.0

_REASON_OF_THE_CUT = {
    CallStatus.PROGRESSING: HangupReason.NORMAL,
    CallStatus.TERMINATING: HangupReason.NORMAL,
    CallStatus.CANCELING: HangupReason.CANCEL,
}


class Transaction:
    """The tables of all resources on one connection: what is written here is stored together or not at all."""

    def __init__(self, access: Access) -> None:
        self.customers = Customers(access)
        self.agents = Agents(access)
        self.access_keys = AccessKeys(access)
        self.calls = Calls(access)
        self.activeflows = Activeflows(access)
        self.transcribes = Transcribes(access)
        self.transcripts = Transcripts(access)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What an earlier process left open, as it is now that it is closed."""

    calls: tuple[Call, ...]
    activeflows: tuple[Activeflow, ...]
    transcribes: tuple[Transcribe, ...]


class Store(Transaction):
    """The tables of all resources, every operation a transaction of its own; `transaction` puts several into one."""

    def __init__(self, connections: Connections) -> None:
        super().__init__(connections)
        self._connections = connections

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Yield the tables in one transaction: committed at the end, rolled back when the block raises.

        Use only `tx` inside: on SQLite a write through the store itself would wait for this transaction for ever.
        """
        async with self._connections.writing() as connection:
            yield Transaction(Borrowed(connection))

    async def is_writable(self) -> bool:
        """Tell whether a row can be written and committed now, within 3 s."""
        try:
            async with asyncio.timeout(_PROBE_SECONDS), self._connections.writing() as connection:
                await connection.execute(update(WRITE_PROBE).values(tm_probe=now()))
        except (TimeoutError, Unavailable):
            return False
        return True

    async def close_unfinished(self, moment: datetime) -> Unfinished:
        """Close what a process that was killed left open: calls, activeflows, transcribes; all or nothing.

        Call it at the start, before the first call, by the only instance that uses this database.
        """
        async with self.transaction() as tx:
            calls = tuple(_hung_up(call, moment) for call in await tx.calls.list_live())
            flows = tuple(
                replace(flow, status=ActiveflowStatus.ENDED, tm_update=moment)
                for flow in await tx.activeflows.list_running()
            )
            transcribes = tuple(
                replace(transcribe, status=TranscribeStatus.DONE, tm_update=moment)
                for transcribe in await tx.transcribes.list_progressing()
            )
            for call in calls:
                await tx.calls.update(call)
            for flow in flows:
                await tx.activeflows.update(flow)
            for transcribe in transcribes:
                await tx.transcribes.update(transcribe)
        return Unfinished(calls, flows, transcribes)


def _hung_up(call: Call, moment: datetime) -> Call:
    return replace(
        call,
        status=CallStatus.HANGUP,
        hangup_by=HangupBy.LOCAL,
        hangup_reason=_REASON_OF_THE_CUT.get(call.status, HangupReason.FAILED),
        tm_hangup=moment,
        tm_update=moment,
    )
