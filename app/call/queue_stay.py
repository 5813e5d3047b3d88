"""One caller's stay in a queue: its record as it is now, and what it waits for."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime

from app.call.live_call import LiveCall
from app.call.party import Party
from app.domain.customer import Agent
from app.domain.events import EventType
from app.domain.ids import ZERO_ID
from app.domain.queue import Queue, Queuecall, QueuecallStatus
from app.domain.timestamps import now
from app.journal.journal import Journal

_EVENT = {
    QueuecallStatus.WAITING: (EventType.QUEUECALL_WAITING,),
    QueuecallStatus.CONNECTING: (EventType.QUEUECALL_CONNECTING,),
    QueuecallStatus.KICKING: (),
    QueuecallStatus.SERVICE: (EventType.QUEUECALL_SERVICED,),
    QueuecallStatus.DONE: (EventType.QUEUECALL_DONE,),
    QueuecallStatus.ABANDONED: (EventType.QUEUECALL_ABANDONED,),
}


@dataclass(frozen=True, slots=True)
class Served:
    """An agent has answered: who, and the leg that is to be connected with the caller."""

    agent: Agent
    party: Party


@dataclass(slots=True, eq=False)
class Stay:
    """A queuecall while it lives."""

    record: Queuecall
    queue: Queue
    call: LiveCall
    journal: Journal
    served: asyncio.Future[Served]
    kicked: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    tried: dict[str, float] = field(default_factory=dict)
    """When agents were rung for this caller and did not answer (the event loop's clock): others come first."""
    ringing: "asyncio.Task[None] | None" = None

    @property
    def is_served(self) -> bool:
        """Whether an agent has answered."""
        return self.served.done()

    async def change(self, status: QueuecallStatus, *, agent_id: str | None = None) -> None:
        """Store and tell where the caller is now."""
        moment = now()
        record = replace(self.record, status=status, tm_update=moment)
        if agent_id is not None:
            record = replace(record, service_agent_id=agent_id)
        if status is QueuecallStatus.SERVICE:
            record = replace(record, tm_service=moment, duration_waiting=_milliseconds(record.tm_create, moment))
        if status.is_over:
            record = replace(record, tm_end=moment)
            if record.tm_service is None:
                record = replace(record, duration_waiting=_milliseconds(record.tm_create, moment))
            else:
                record = replace(record, duration_service=_milliseconds(record.tm_service, moment))
        self.record = record
        await self.journal.change(record, *_EVENT[status])

    async def conclude(self) -> None:
        """Store and tell the end: done where an agent has talked with the caller, else abandoned."""
        if not self.record.status.is_over:
            was_served = self.record.tm_service is not None
            await self.change(QueuecallStatus.DONE if was_served else QueuecallStatus.ABANDONED)

    @property
    def agent_id(self) -> str:
        """The agent who is rung or talks now, ZERO_ID for none."""
        is_taken = self.record.status in {QueuecallStatus.CONNECTING, QueuecallStatus.SERVICE}
        return self.record.service_agent_id if is_taken else ZERO_ID


def _milliseconds(since: datetime, until: datetime) -> int:
    return max(0, int((until - since).total_seconds() * 1000))
