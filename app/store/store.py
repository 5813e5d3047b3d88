"""The store: all resources, alone or together in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import update

from app.domain.timestamps import now
from app.errors import Unavailable
from app.store.access_keys import AccessKeys
from app.store.activeflows import Activeflows
from app.store.agents import Agents
from app.store.calls import Calls
from app.store.conferencecalls import Conferencecalls
from app.store.conferences import Conferences
from app.store.connections import Access, Borrowed, Connections
from app.store.customers import Customers
from app.store.events import Events
from app.store.extensions import Extensions
from app.store.flows import Flows
from app.store.groupcalls import Groupcalls
from app.store.numbers import Numbers
from app.store.outbound_configs import OutboundConfigs
from app.store.queuecalls import Queuecalls
from app.store.queues import Queues
from app.store.recordings import Recordings
from app.store.resource_table import ResourceTable, T
from app.store.schema import WRITE_PROBE
from app.store.transcribes import Transcribes
from app.store.transcripts import Transcripts
from app.store.trunks import Trunks
from app.store.webhook_deliveries import WebhookDeliveries

_PROBE_SECONDS = 3.0


class Transaction:
    """The tables of all resources on one connection: what is written here is stored together or not at all."""

    def __init__(self, access: Access) -> None:
        self.customers = Customers(access)
        self.agents = Agents(access)
        self.access_keys = AccessKeys(access)
        self.calls = Calls(access)
        self.groupcalls = Groupcalls(access)
        self.flows = Flows(access)
        self.activeflows = Activeflows(access)
        self.conferences = Conferences(access)
        self.conferencecalls = Conferencecalls(access)
        self.queues = Queues(access)
        self.queuecalls = Queuecalls(access)
        self.recordings = Recordings(access)
        self.transcribes = Transcribes(access)
        self.transcripts = Transcripts(access)
        self.numbers = Numbers(access)
        self.extensions = Extensions(access)
        self.trunks = Trunks(access)
        self.outbound_configs = OutboundConfigs(access)
        self.webhook_deliveries = WebhookDeliveries(access)
        self.events = Events(access)

    def table_of(self, item: T) -> ResourceTable[T]:
        """Return the table that holds objects of this kind; TypeError for what is never stored (speech events)."""
        for table in vars(self).values():
            if isinstance(table, ResourceTable) and table.kind is type(item):
                return table
        raise TypeError(f"the store has no table of {type(item).__name__} objects")


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
