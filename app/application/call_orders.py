"""Orders of the API become calls and groupcalls: the flow found or made, every destination reached."""

from __future__ import annotations

from app.api.ports import CallOrder, PlacedCalls
from app.application.api_flows import ApiFlows
from app.application.dialling import Dialling, Reach, Target
from app.application.flow_runner import FlowRunner
from app.call.groupcalls import Groupcalls
from app.call.outbound import Outbound, OutgoingCall
from app.call.ports import OnCall
from app.domain.call import Address, Call
from app.domain.customer import RingMethod
from app.domain.flow import Flow
from app.domain.groupcall import Groupcall, GroupcallStatus
from app.domain.ids import ZERO_ID, new_id
from app.domain.timestamps import now
from app.errors import CallscribeError, InvalidArgument


class CallOrders:
    """Places what is ordered."""

    def __init__(
        self, flows: ApiFlows, runner: FlowRunner, dialling: Dialling, outbound: Outbound, groupcalls: Groupcalls
    ) -> None:
        self._flows = flows
        self._runner = runner
        self._dialling = dialling
        self._outbound = outbound
        self._groupcalls = groupcalls

    async def place(self, order: CallOrder) -> PlacedCalls:
        """Dial every destination; one that cannot be reached is left out, and its error is raised when all are."""
        flow = await self.flow_of(order)
        on_call = self._runner.on_call(flow, order.variables)
        calls: list[Call] = []
        groupcalls: list[Groupcall] = []
        failure: CallscribeError | None = None
        for index, destination in enumerate(order.destinations):
            try:
                reach = await self._reach(order, destination, f"destinations.{index}")
                if reach.is_group:
                    groupcalls.append(
                        await self._place_group(order, flow, on_call, (destination,), reach, reach.ring_method)
                    )
                else:
                    for target in reach.targets:
                        placed = await self._outbound.place(_outgoing(order, flow, target, on_call))
                        calls.append(placed.record)
            except CallscribeError as error:
                failure = failure or error
        if failure is not None and not calls and not groupcalls:
            raise failure
        return PlacedCalls(tuple(calls), tuple(groupcalls))

    async def place_group(self, order: CallOrder, ring_method: RingMethod) -> Groupcall:
        """Dial all destinations as one groupcall; those of agents and extensions become legs of it."""
        flow = await self.flow_of(order)
        targets: list[Target] = []
        failure: CallscribeError | None = None
        for index, destination in enumerate(order.destinations):
            try:
                targets.extend((await self._reach(order, destination, f"destinations.{index}")).targets)
            except CallscribeError as error:
                failure = failure or error
        if failure is not None and not targets:
            raise failure
        on_call = self._runner.on_call(flow, order.variables)
        reach = Reach(tuple(targets), is_group=True)
        return await self._place_group(order, flow, on_call, order.destinations, reach, ring_method)

    async def flow_of(self, order: CallOrder) -> Flow:
        """Return the flow that the order names, or one that is made of its actions."""
        if order.flow_id == ZERO_ID:
            return await self._flows.store_temporary(order.customer_id, order.actions)
        flow = await self._flows.find(order.customer_id, order.flow_id)
        if flow is None:
            raise InvalidArgument("flow_id", "there is no flow with this id")
        return flow

    async def _reach(self, order: CallOrder, destination: Address, place: str) -> Reach:
        return await self._dialling.reach(
            order.customer_id, order.source, destination, place=place, anonymous=order.anonymous
        )

    async def _place_group(
        self,
        order: CallOrder,
        flow: Flow,
        on_call: OnCall,
        destinations: tuple[Address, ...],
        reach: Reach,
        ring_method: RingMethod,
    ) -> Groupcall:
        moment = now()
        record = Groupcall(
            id=new_id(),
            customer_id=order.customer_id,
            status=GroupcallStatus.PROGRESSING,
            source=order.source,
            destinations=destinations,
            ring_method=ring_method,
            tm_create=moment,
            tm_update=moment,
            flow_id=flow.id,
            owner_type=_owner_type(order),
            owner_id=order.owner_id or ZERO_ID,
        )
        legs = tuple(_outgoing(order, flow, target, on_call) for target in reach.targets)
        return await self._groupcalls.place(record, legs, on_call)


def _outgoing(order: CallOrder, flow: Flow, target: Target, on_call: OnCall) -> OutgoingCall:
    return OutgoingCall(
        customer_id=order.customer_id,
        source=order.source,
        destination=target.destination,
        dial=target.dial,
        on_call=on_call,
        is_early=order.is_early,
        master_call_id=order.master_call_id,
        type=target.type,
        flow_id=flow.id,
        owner_type=_owner_type(order),
        owner_id=order.owner_id or ZERO_ID,
    )


def _owner_type(order: CallOrder) -> str:
    return "" if order.owner_id in ("", ZERO_ID) else "agent"
