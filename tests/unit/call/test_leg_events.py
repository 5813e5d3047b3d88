from collections.abc import AsyncIterator
from typing import Any, cast

from app.ari.events import (
    AriEvent,
    ChannelDestroyed,
    ChannelDtmfReceived,
    ChannelHold,
    ChannelTransfer,
    ChannelUnhold,
    ReferTo,
)
from app.ari.watch import Watch
from app.call.leg_events import follow_leg
from app.call.live_call import LiveCall
from app.errors import Unavailable
from tests.unit.call.fakes import FakeCall, as_live, make_call


def event(kind: type[AriEvent], **fields: object) -> AriEvent:
    """An event of which only what counts here is filled in."""
    make: Any = kind.model_construct
    made: AriEvent = make(**fields)
    return made


async def follow(call: FakeCall, *events: AriEvent) -> int:
    async def watch() -> AsyncIterator[AriEvent]:
        for event in events:
            yield event

    return await follow_leg(as_live(call), cast(Watch, watch()))


async def test_the_cause_of_the_end_is_told() -> None:
    assert await follow(FakeCall(make_call()), event(ChannelDestroyed, cause=17)) == 17


async def test_a_peer_that_is_held_hears_music() -> None:
    call, peer = FakeCall(make_call()), FakeCall(make_call())
    call.peer = peer
    await follow(call, event(ChannelHold))
    assert call.is_holding
    await follow(call, event(ChannelUnhold))
    assert not call.is_holding
    assert peer.log == ["music True", "music False"]


async def test_digits_are_kept_unless_they_are_for_the_peer() -> None:
    call = FakeCall(make_call())
    await follow(call, event(ChannelDtmfReceived, digit="1"))
    call.peer = FakeCall(make_call())
    await follow(call, event(ChannelDtmfReceived, digit="2"))
    call.peer = None
    await follow(call, event(ChannelDtmfReceived, digit="3"))
    assert [await call.digits.take(), await call.digits.take()] == ["1", "3"]


async def test_who_asks_for_a_transfer_is_told_whether_it_is_done() -> None:
    refer = event(ChannelTransfer, refer_to=ReferTo())
    call = FakeCall(make_call())
    await follow(call, refer)
    assert call.log == ["transfer False"], "nobody may"

    async def done(asking: LiveCall, refer_to: ReferTo) -> bool:
        return True

    async def failing(asking: LiveCall, refer_to: ReferTo) -> bool:
        raise Unavailable("not now")

    call.on_refer = done
    await follow(call, refer)
    call.on_refer = failing
    await follow(call, refer)
    assert call.log == ["transfer False", "transfer True", "transfer False"]
