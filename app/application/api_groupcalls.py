"""Groupcalls for the API."""

from __future__ import annotations

from dataclasses import replace

from app.api.ports import CallOrder
from app.application.call_orders import CallOrders
from app.call.groupcalls import Groupcalls
from app.domain.customer import RingMethod
from app.domain.events import EventType
from app.domain.groupcall import Groupcall, GroupcallStatus
from app.domain.timestamps import now
from app.errors import (
    NotFound,
)
from app.journal.journal import Journal
from app.store.store import Store


class ApiGroupcalls:
    """Groupcalls for the API."""

    def __init__(self, groupcalls: Groupcalls, orders: CallOrders, store: Store, journal: Journal) -> None:
        self._groupcalls = groupcalls
        self._orders = orders
        self._store = store
        self._journal = journal

    async def place(self, order: CallOrder, ring_method: RingMethod) -> Groupcall:
        """Begin to dial."""
        return await self._orders.place_group(order, ring_method)

    async def hang_up(self, customer_id: str, groupcall_id: str) -> Groupcall:
        """Hang up all its legs; one that has ended is returned as it is."""
        stored = await self._stored(customer_id, groupcall_id)
        live = self._groupcalls.find(groupcall_id)
        if live is None:
            return stored
        await self._groupcalls.hang_up(live)
        return live.record

    async def delete(self, customer_id: str, groupcall_id: str) -> Groupcall:
        """Hang up where it lives, and delete it."""
        stored = await self._stored(customer_id, groupcall_id)
        live = self._groupcalls.find(groupcall_id)
        if live is not None:
            await self._groupcalls.hang_up(live)
            await live.ended.wait()
            stored = live.record
        moment = now()
        deleted = replace(stored, status=GroupcallStatus.HANGUP, tm_delete=moment, tm_update=moment)
        await self._journal.change(deleted, EventType.GROUPCALL_DELETED)
        return deleted

    async def _stored(self, customer_id: str, groupcall_id: str) -> Groupcall:
        stored = await self._store.groupcalls.get(customer_id, groupcall_id)
        if stored is None or stored.tm_delete is not None:
            raise NotFound("groupcall", groupcall_id)
        return stored
