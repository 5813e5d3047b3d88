"""Whose a call is that was ordered: an agent's, or nobody's where an access key ordered it."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.api.ports import CallOrder
from app.application.call_orders import CallOrders
from app.application.dialling import Reach, Target
from app.call.outbound import OutgoingCall
from app.call.outgoing_leg import Dial
from app.domain.call import Address
from app.domain.groupcall import Groupcall
from app.domain.ids import ZERO_ID, new_id

BOB = Address(target="bob@127.0.0.1:5070")
AGENT_ID = new_id()


class Parts:
    """Everything that places calls; notes what it was told to place."""

    def __init__(self, *, is_group: bool) -> None:
        self.outgoing: list[OutgoingCall] = []
        self.groups: list[Groupcall] = []
        self._is_group = is_group

    async def store_temporary(self, _customer_id: str, _actions: Any) -> Any:
        return SimpleNamespace(id=new_id())

    def on_call(self, _flow: Any, _variables: Any) -> None:
        return None

    async def reach(self, *_parts: Any, **_more: Any) -> Reach:
        return Reach((Target(BOB, Dial(("PJSIP/bob",), "<1>", 30)),), is_group=self._is_group)

    async def place(self, first: Any, legs: tuple[OutgoingCall, ...] = (), _on_call: Any = None) -> Any:
        if isinstance(first, Groupcall):
            self.groups.append(first)
            self.outgoing.extend(legs)
            return first
        self.outgoing.append(first)
        return SimpleNamespace(record=first)


@pytest.mark.parametrize("is_group", [False, True])
@pytest.mark.parametrize(
    ("asked_by", "owner"),
    [(AGENT_ID, ("agent", AGENT_ID)), (ZERO_ID, ("", ZERO_ID)), ("", ("", ZERO_ID))],
    ids=["an agent", "an access key", "nobody"],
)
async def test_a_call_is_its_agents_or_nobodys(is_group: bool, asked_by: str, owner: tuple[str, str]) -> None:
    parts = cast(Any, Parts(is_group=is_group))
    orders = CallOrders(parts, parts, parts, parts, parts)
    await orders.place(CallOrder(new_id(), BOB, (BOB,), flow_id=ZERO_ID, actions=(), owner_id=asked_by))
    assert [(each.owner_type, each.owner_id) for each in (*parts.outgoing, *parts.groups)] == [owner] * (1 + is_group)
