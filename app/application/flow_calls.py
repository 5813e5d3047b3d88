"""Calls that flows ask for: orders like those of the API; those that are chained end with the call that asked."""

import asyncio
from collections.abc import Awaitable, Callable

from app.api.ports import CallOrder, PlacedCalls
from app.application.call_orders import CallOrders
from app.ari.release import finish
from app.call.call_scope import hang_up_safely
from app.call.groupcalls import Groupcalls
from app.call.live_call import LiveCall
from app.call.live_calls import LiveCalls
from app.domain.call import HangupReason
from app.domain.ids import ZERO_ID
from app.errors import InvalidArgument, LegGone, Unavailable
from app.flow.action_registry import ActionRegistry
from app.flow.api_actions import check_actions
from app.flow.nested_actions import fill_languages
from app.flow.ports import FlowCallOrder


class FlowCalls:
    """Places calls for flows."""

    def __init__(self, live_calls: LiveCalls, groupcalls: Groupcalls, registry: ActionRegistry) -> None:
        self._live_calls = live_calls
        self._groupcalls = groupcalls
        self._registry = registry
        self.orders: CallOrders | None = None
        """Set once flows can run: what places calls runs flows itself."""

    async def place(self, order: FlowCallOrder) -> tuple[str, ...]:
        """Begin to dial all destinations; what cannot be reached is left out while there are others."""
        if self.orders is None:
            raise Unavailable("the program begins: no call can be made now")
        master = self._live_calls.find(order.call_id) if order.call_id != ZERO_ID else None
        source = order.source or (master.record.source if master is not None else None)
        if source is None:
            raise InvalidArgument("source", "is required in a flow without a call; expected an address")
        actions = fill_languages(order.actions, order.language, self._registry) if order.flow_id == ZERO_ID else []
        call_order = CallOrder(
            customer_id=order.customer_id,
            source=source,
            destinations=order.destinations,
            flow_id=order.flow_id,
            actions=check_actions(actions, "actions", self._registry),
            anonymous=order.anonymous,
            is_early=order.is_early,
            master_call_id=master.record.id if master is not None and order.is_chained else ZERO_ID,
        )
        # To the end, also when the caller hangs up now: else nobody would know what to hang up.
        chain_to = master if order.is_chained else None
        return await finish(self._place(self.orders, call_order, chain_to))

    async def _place(self, orders: CallOrders, order: CallOrder, master: LiveCall | None) -> tuple[str, ...]:
        placed = await orders.place(order)
        if master is not None:
            await self._chain(placed, master)
        direct = tuple(call.id for call in placed.calls)
        return direct + tuple(call_id for group in placed.groupcalls for call_id in group.call_ids)

    async def _chain(self, placed: PlacedCalls, master: LiveCall) -> None:
        try:
            for call in placed.calls:
                await master.ledger.note_chained(call.id)
            for group in placed.groupcalls:
                # A groupcall dials further legs while it lives, so it ends as a whole.
                master.end_with(self._hang_up_group(group.id))
        except LegGone:
            pass
        if master.is_gone:
            for call in placed.calls:
                if (live := self._live_calls.find(call.id)) is not None:
                    await hang_up_safely(live, HangupReason.NORMAL)
            await asyncio.gather(*(self._hang_up_group(group.id)() for group in placed.groupcalls))

    def _hang_up_group(self, groupcall_id: str) -> Callable[[], Awaitable[None]]:
        async def hang_up() -> None:
            if (group := self._groupcalls.find(groupcall_id)) is not None:
                await self._groupcalls.hang_up(group)

        return hang_up
