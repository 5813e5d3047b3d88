"""What answers a call that comes in: a number's flow, a phone, a conference, or nothing (contract 3.6)."""

from __future__ import annotations

from dataclasses import replace

from app.application.api_flows import ApiFlows
from app.application.flow_runner import FlowRunner
from app.call.ports import Answer, Arrival
from app.domain.call import Address, AddressType
from app.domain.conference import ConferenceStatus
from app.domain.flow import Action, Flow
from app.domain.ids import ZERO_ID, is_id, new_id
from app.flow.definition import ANY_NUMBER
from app.flow.library import FlowLibrary
from app.store.store import Store

DIRECT_PREFIX = "direct."


class CallRouter:
    """Finds the answer to every arrival. The flow folder's numbers are the first customer's."""

    def __init__(
        self, library: FlowLibrary, flows: ApiFlows, runner: FlowRunner, store: Store, *, first_customer_id: str
    ) -> None:
        self._library = library
        self._flows = flows
        self._runner = runner
        self._store = store
        self._first_customer_id = first_customer_id

    async def find_answer(self, arrival: Arrival) -> Answer | None:
        """Return who answers and how; None is SIP 404."""
        match arrival.kind:
            case "extension":
                return await self._from_extension(arrival)
            case "trunk":
                return await self._from_trunk(arrival)
            case _:
                return await self._from_anybody(arrival)

    async def _from_anybody(self, arrival: Arrival) -> Answer | None:
        number = await self._store.numbers.find(arrival.number)
        if number is not None:
            return await self._by_number(arrival, number.customer_id)
        if arrival.number.startswith(DIRECT_PREFIX):
            return await self._by_direct_hash(arrival)
        return await self._by_number(arrival, self._first_customer_id) or self._by_any(arrival, self._first_customer_id)

    async def _from_trunk(self, arrival: Arrival) -> Answer | None:
        trunk = await self._store.trunks.get_by_id(arrival.endpoint)
        if trunk is None or trunk.tm_delete is not None:
            return None
        if (answer := await self._by_number(arrival, trunk.customer_id)) is not None:
            return answer
        if arrival.number.startswith(DIRECT_PREFIX):
            return await self._by_direct_hash(arrival)
        if arrival.named_number:
            named = await self._by_number(replace(arrival, number=arrival.named_number), trunk.customer_id)
            if named is not None:
                return named
        # Whoever comes from these addresses reaches other customers' numbers too, as without the trunk: by claiming
        # addresses nobody takes calls away from others.
        number = await self._store.numbers.find(arrival.number)
        owner = self._first_customer_id if number is None else number.customer_id
        return await self._by_number(arrival, owner) or self._by_any(arrival, trunk.customer_id)

    async def _from_extension(self, arrival: Arrival) -> Answer | None:
        caller = await self._store.extensions.find_by_username(arrival.endpoint)
        if caller is None:
            return None
        customer_id = caller.customer_id
        source = Address(AddressType.EXTENSION, caller.id, caller.extension, caller.name)
        if (by_number := await self._by_number(arrival, customer_id)) is not None:
            return replace(by_number, source=source)
        if arrival.number.startswith(DIRECT_PREFIX):
            return await self._by_direct_hash(arrival, customer_id, source)
        destination = await self._inside(customer_id, arrival.number)
        if destination is None:
            by_any = self._by_any(arrival, customer_id)
            return None if by_any is None else replace(by_any, source=source)
        return self._to(customer_id, source, destination)

    async def _inside(self, customer_id: str, dialled: str) -> Address | None:
        """What a phone reaches inside its customer: another phone, an agent, a conference, or the outside by trunk."""
        extension = await self._store.extensions.find(customer_id, dialled)
        if extension is not None:
            return Address(AddressType.EXTENSION, extension.id, extension.extension, extension.name)
        if is_id(dialled):
            conference = await self._store.conferences.get(customer_id, dialled)
            if conference is not None and conference.status is ConferenceStatus.PROGRESSING:
                return Address(AddressType.CONFERENCE, conference.id, conference.name)
            agent = await self._store.agents.get(customer_id, dialled)
            return None if agent is None or agent.tm_delete else Address(AddressType.AGENT, agent.id, agent.name)
        agent = await self._store.agents.get_by_username(dialled)
        if agent is not None and agent.customer_id == customer_id and agent.tm_delete is None:
            return Address(AddressType.AGENT, agent.id, agent.name)
        if dialled.startswith("+") and dialled[1:].isdigit():
            return Address(AddressType.TEL, dialled)
        return None

    async def _by_number(self, arrival: Arrival, customer_id: str) -> Answer | None:
        """A number of this customer that somebody made by API, or, for the first customer, of the flow folder."""
        number = await self._store.numbers.find(arrival.number)
        if number is not None and number.customer_id == customer_id:
            flow = await self._flows.find(customer_id, number.call_flow_id) if number.call_flow_id != ZERO_ID else None
            return None if flow is None else self._run(arrival, customer_id, flow)
        flow = self._library.find(arrival.number) if customer_id == self._first_customer_id else None
        if flow is None or arrival.number not in flow.numbers:
            return None
        return self._run(arrival, customer_id, flow)

    def _by_any(self, arrival: Arrival, customer_id: str) -> Answer | None:
        """The flow that answers what no other does."""
        flow = self._library.find(ANY_NUMBER) if customer_id == self._first_customer_id else None
        return None if flow is None else self._run(arrival, customer_id, flow)

    async def _by_direct_hash(
        self, arrival: Arrival, customer_id: str | None = None, source: Address | None = None
    ) -> Answer | None:
        """`sip:direct.<hash>@...` reaches one flow, conference or extension, whoever knows the hash."""
        wanted = arrival.number.removeprefix(DIRECT_PREFIX)
        flow = await self._store.flows.find_by_direct_hash(wanted)
        if flow is not None and customer_id in {None, flow.customer_id}:
            answer = self._run(arrival, flow.customer_id, flow.flow)
            return answer if source is None else replace(answer, source=source)
        conference = await self._store.conferences.find_by_direct_hash(wanted)
        if conference is not None and customer_id in {None, conference.customer_id}:
            destination = Address(AddressType.CONFERENCE, conference.id, conference.name)
            return self._to(conference.customer_id, source or arrival.caller, destination)
        extension = await self._store.extensions.find_by_direct_hash(wanted)
        if extension is not None and customer_id in {None, extension.customer_id}:
            destination = Address(AddressType.EXTENSION, extension.id, extension.extension, extension.name)
            return self._to(extension.customer_id, source or arrival.caller, destination)
        return None

    def _to(self, customer_id: str, source: Address, destination: Address) -> Answer:
        """A flow of one action that leads to the destination."""
        if destination.type is AddressType.CONFERENCE:
            action = Action(new_id(), "conference_join", {"conference_id": destination.target})
        else:
            address = {
                "type": destination.type.value,
                "target": destination.target,
                "target_name": destination.target_name,
            }
            action = Action(new_id(), "connect", {"destinations": [address], "relay_reason": True})
        flow_id = new_id()
        flow = Flow(flow_id, flow_id, f"to {destination.type.value}", (action,))
        return Answer(customer_id, source, destination, self._runner.on_call(flow), flow.id)

    def _run(self, arrival: Arrival, customer_id: str, flow: Flow) -> Answer:
        is_tel = arrival.number.startswith("+") and arrival.number[1:].isdigit()
        destination = Address(AddressType.TEL if is_tel else AddressType.SIP, arrival.number)
        return Answer(customer_id, arrival.caller, destination, self._runner.on_call(flow), flow.id)
