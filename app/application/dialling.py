"""How a destination is reached: its address becomes Asterisk's dial strings, where the operator allows it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.application.dial_plan import country_of
from app.application.sip_policy import SipPolicy
from app.ari.ari import Ari
from app.ari.contacts import list_contacts
from app.call.live_call import LiveCall
from app.call.outbound import OutgoingCall
from app.call.outgoing_leg import Dial
from app.domain.call import Address, AddressType, CallType
from app.domain.conference import ConferenceStatus
from app.domain.customer import RingMethod
from app.domain.ids import ZERO_ID
from app.domain.line import NumberType
from app.errors import InvalidArgument
from app.logs import get_log
from app.store.store import Store

log = get_log("call")

_SAFE = re.compile(r"[A-Za-z0-9._~*#+@:\[\]-]{1,320}")
"""What may stand in a dial string: nothing that ends one or begins another."""
_ANONYMOUS = '"Anonymous" <anonymous>'
_MAX_AGENT_ADDRESSES = 20


@dataclass(frozen=True, slots=True)
class Target:
    """One leg to be dialled."""

    destination: Address
    dial: Dial
    type: CallType = CallType.FLOW


@dataclass(frozen=True, slots=True)
class Reach:
    """How a destination is reached: by one call, or (`is_group`) by a groupcall with these legs."""

    targets: tuple[Target, ...]
    is_group: bool = False
    ring_method: RingMethod = RingMethod.RING_ALL


class Dialling:
    """Turns addresses into legs."""

    def __init__(self, store: Store, ari: Ari, policy: SipPolicy, *, ring_seconds: int) -> None:
        self._store = store
        self._ari = ari
        self._policy = policy
        self._ring_seconds = ring_seconds

    async def reach(
        self, customer_id: str, source: Address, destination: Address, *, place: str, anonymous: str = ""
    ) -> Reach:
        """Return how to reach a destination of this customer; InvalidArgument at `place` says why it cannot be."""
        is_tel = destination.type is AddressType.TEL
        caller_id = await self._caller_id(customer_id, source, anonymous, is_tel=is_tel)
        match destination.type:
            case AddressType.AGENT:
                return await self._reach_agent(customer_id, source, destination, place, anonymous)
            case AddressType.EXTENSION:
                return Reach(await self._extension(customer_id, destination, place, caller_id), is_group=True)
            case AddressType.CONFERENCE:
                return Reach((await self._conference(customer_id, destination, place, caller_id),))
            case AddressType.SIP:
                return Reach((await self._sip(destination, place, caller_id),))
            case _:
                return Reach((await self._tel(customer_id, destination, place, caller_id),))

    async def callees(
        self,
        customer_id: str,
        source: Address,
        destinations: Sequence[Address],
        *,
        anonymous: str = "",
        is_early_media: bool = False,
    ) -> list[OutgoingCall]:
        """Return the calls to all destinations, for a conversation that others decide about.

        Those that cannot be reached are left out; the first one's InvalidArgument where none can.
        """
        found: list[OutgoingCall] = []
        failure: InvalidArgument | None = None
        for index, destination in enumerate(destinations):
            try:
                reach = await self.reach(
                    customer_id, source, destination, place=f"destinations.{index}", anonymous=anonymous
                )
            except InvalidArgument as error:
                log.warning("a destination cannot be reached", reason=error.message)
                failure = failure or error
                continue
            for target in reach.targets:
                dial = replace(target.dial, is_early_heard=is_early_media)
                found.append(OutgoingCall(customer_id, source, target.destination, dial, _talk_on, type=target.type))
        if failure is not None and not found:
            raise failure
        return found

    async def _reach_agent(
        self, customer_id: str, source: Address, destination: Address, place: str, anonymous: str
    ) -> Reach:
        agent = await self._store.agents.get(customer_id, destination.target)
        if agent is None or agent.tm_delete is not None:
            raise InvalidArgument(f"{place}.target", "there is no agent with this id")
        targets: list[Target] = []
        for address in agent.addresses[:_MAX_AGENT_ADDRESSES]:
            if address.type is not AddressType.AGENT:
                reach = await self.reach(customer_id, source, address, place=place, anonymous=anonymous)
                targets.extend(reach.targets)
        return Reach(tuple(targets), is_group=True, ring_method=agent.ring_method)

    async def _extension(
        self, customer_id: str, destination: Address, place: str, caller_id: str
    ) -> tuple[Target, ...]:
        extension = None
        if destination.target:
            extension = await self._store.extensions.get(customer_id, destination.target)
        if destination.target_name and (extension is None or extension.tm_delete is not None):
            extension = await self._store.extensions.find(customer_id, destination.target_name)  # contract 3.1
        if extension is None or extension.tm_delete is not None:
            field = "target" if destination.target else "target_name"
            raise InvalidArgument(f"{place}.{field}", "there is no such extension of yours")
        shown = Address(AddressType.EXTENSION, extension.id, extension.extension, destination.name, destination.detail)
        contacts = await list_contacts(self._ari, extension.username)
        # Nobody registered: the call is made all the same and ends at once, so that its failure is seen in the list.
        dials = contacts or (f"PJSIP/{extension.username}",)
        return tuple(Target(shown, self._dial((contact,), caller_id)) for contact in dials)

    async def _conference(self, customer_id: str, destination: Address, place: str, caller_id: str) -> Target:
        conference = await self._store.conferences.get(customer_id, destination.target)
        if conference is None or conference.status is not ConferenceStatus.PROGRESSING:
            raise InvalidArgument(f"{place}.target", "there is no open conference with this id")
        return Target(
            destination, self._dial((f"Local/{conference.id}@conference/n",), caller_id), type=CallType.CONFERENCE
        )

    async def _sip(self, destination: Address, place: str, caller_id: str) -> Target:
        target = destination.target.removeprefix("sip:")
        if "@" not in target or _SAFE.fullmatch(target) is None:
            raise InvalidArgument(f"{place}.target", "expected user@host or user@host:port")
        if not await self._policy.is_allowed(target):
            raise InvalidArgument(
                f"{place}.target",
                "calls to this host are not allowed; the operator lists networks and hosts in "
                "CALLSCRIBE_SIP_DESTINATIONS",
            )
        return Target(destination, self._dial((f"PJSIP/outgoing/sip:{target}",), caller_id))

    async def _tel(self, customer_id: str, destination: Address, place: str, caller_id: str) -> Target:
        number = destination.target
        country = country_of(number)
        if _SAFE.fullmatch(number) is None or country is None:
            raise InvalidArgument(f"{place}.target", "expected an E.164 number: + and 7 to 15 digits")
        config = await self._store.outbound_configs.of(customer_id)
        if config is None or country not in config.destination_whitelist:
            raise InvalidArgument(
                f"{place}.target",
                f"calls to {country.upper()} are not allowed; allow the country first: PUT /v1.0/outbound_config "
                f'{{"destination_whitelist": ["{country}"]}}',
            )
        trunks = [trunk for trunk in await self._store.trunks.list_of(customer_id) if trunk.hostname]
        if not trunks:
            raise InvalidArgument(
                f"{place}.target", "there is no trunk with a hostname to call through; make one: POST /v1.0/trunks"
            )
        endpoints = tuple(f"PJSIP/{number}@trunk-{trunk.id}" for trunk in trunks)
        return Target(destination, self._dial(endpoints, caller_id, is_failing_over=True))

    def _dial(self, endpoints: tuple[str, ...], caller_id: str, *, is_failing_over: bool = False) -> Dial:
        return Dial(endpoints, caller_id, self._ring_seconds, is_failing_over)

    async def _caller_id(self, customer_id: str, source: Address, anonymous: str, *, is_tel: bool) -> str:
        """What the called party is shown: `"NAME" <NUMBER>`; the default number where the source names none.

        A telephone (`is_tel`) is shown the default number, where there is one, for every source that is no number of
        the customer; without one the source is shown as it is, as the tutorial has it (contract 3.3, 11).
        """
        if anonymous == "yes":
            return _ANONYMOUS
        number = source.target or source.target_name
        if source.type is AddressType.EXTENSION:
            number = source.target_name or number
        if not number or (is_tel and not await self._is_own_number(customer_id, number)):
            number = await self._default_number(customer_id) or number
        number = number.removeprefix("sip:").partition("@")[0]
        if not number or _SAFE.fullmatch(number) is None:
            return _ANONYMOUS
        name = "".join(each for each in source.name if each.isprintable() and each not in '"\\<>,')[:64]
        return f'"{name}" <{number}>' if name else f"<{number}>"

    async def _is_own_number(self, customer_id: str, text: str) -> bool:
        number = await self._store.numbers.find(text)
        return number is not None and number.customer_id == customer_id and number.type is NumberType.NORMAL

    async def _default_number(self, customer_id: str) -> str:
        config = await self._store.outbound_configs.of(customer_id)
        if config is None or config.default_outgoing_source_number_id == ZERO_ID:
            return ""
        number = await self._store.numbers.get(customer_id, config.default_outgoing_source_number_id)
        return "" if number is None or number.tm_delete is not None else number.number


async def _talk_on(_call: LiveCall) -> None:
    """Stands in for what the connection puts in its place."""
