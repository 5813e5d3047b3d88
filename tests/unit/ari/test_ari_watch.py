import asyncio

import pytest

from app.ari.ari import Ari
from app.ari.arrivals import Arrivals
from app.ari.backoff import Backoff
from app.ari.errors import AriDisconnected, AriOverrun, AriTimeout
from app.ari.events import (
    AriEvent,
    ChannelDestroyed,
    ChannelDtmfReceived,
    ChannelEnteredBridge,
    ChannelStateChange,
    PlaybackFinished,
    StasisStart,
)
from app.ari.models import Bridge, Channel, PlaybackState
from app.ari.watch import Switchboard
from tests.scenarios.scripted_asterisk import ScriptedAsterisk


def start(channel_id: str, replaces: str = "") -> StasisStart:
    replaced = Channel(id=replaces) if replaces else None
    return StasisStart(channel=Channel(id=channel_id), replace_channel=replaced)


def digit(channel_id: str, pressed: str) -> ChannelDtmfReceived:
    return ChannelDtmfReceived(channel=Channel(id=channel_id), digit=pressed)


async def test_events_come_in_order_to_every_watch_of_their_ids_once() -> None:
    board = Switchboard()
    both, bridge_only = board.add(("c1", "b1")), board.add(("b1",))
    entered = ChannelEnteredBridge(bridge=Bridge(id="b1"), channel=Channel(id="c1"))
    events: list[AriEvent] = [start("c1"), entered, digit("c1", "1"), start("c2")]
    for event in events:
        board.deliver(event)
    assert [await both.next() for _ in range(3)] == events[:3]
    assert await bridge_only.next() == entered
    for watch in (both, bridge_only):
        with pytest.raises(AriTimeout, match="no event of"):
            await watch.next(0.001)


async def test_playback_events_go_by_the_playback_only() -> None:
    board = Switchboard()
    channel, playback = board.add(("c1",)), board.add(("p1",))
    finished = PlaybackFinished(playback=PlaybackState(id="p1", state="done", target_uri="channel:c1"))
    board.deliver(finished)
    assert await playback.next() == finished
    with pytest.raises(AriTimeout):
        await channel.next(0.001)


async def test_a_channel_that_takes_a_watched_ones_place_goes_to_that_watch() -> None:
    board = Switchboard()
    watch = board.add(("old",))
    wanting, _ = board.deliver(start("new", replaces="old"))
    assert wanting == 1
    assert (await watch.next()).ids == ("new", "old")


async def test_an_unread_watch_is_overrun_and_says_so() -> None:
    board = Switchboard()
    watch = board.add(("c1",), limit=2)
    assert board.deliver(digit("c1", "1")) == (1, [])
    assert board.deliver(digit("c1", "2")) == (1, [])
    assert board.deliver(digit("c1", "3")) == (1, [watch])
    assert board.deliver(digit("c1", "4")) == (1, [])
    assert [(await watch.next()).type, (await watch.next()).type] == ["ChannelDtmfReceived"] * 2
    with pytest.raises(AriOverrun, match="2 events of c1 were not read"):
        await watch.next()


async def test_closing_ends_whoever_waits_and_leaves_nothing() -> None:
    board = Switchboard()
    with board.add(("c1",)) as watch, board.add(("c1",)):
        waiting = asyncio.create_task(watch.next())
        await asyncio.sleep(0)
        assert board.is_watched("c1")
        watch.close()
        with pytest.raises(AriDisconnected, match="the watch of c1 is closed"):
            await waiting
        assert board.is_watched("c1")
        assert [event async for event in watch] == []
    assert not board.is_watched("c1")
    assert len(board) == 0


async def test_iteration_and_wait_for() -> None:
    board = Switchboard()
    with board.add(("c1",)) as watch:
        for event in (start("c1"), digit("c1", "1"), digit("c1", "2")):
            board.deliver(event)
        assert (await watch.wait_for(ChannelDtmfReceived)).digit == "1"
        with pytest.raises(AriTimeout, match="no ChannelStateChange of c1"):
            await watch.wait_for(ChannelStateChange, 0.001)
        board.deliver(digit("c1", "3"))
        async for following in watch:
            assert isinstance(following, ChannelDtmfReceived)
            break


async def test_new_calls_are_those_that_nobody_watches_and_that_are_not_ours(
    ari: Ari, asterisk: ScriptedAsterisk
) -> None:
    with ari.watch("callscribe-snoop-mine", "1700000000.1") as watch:
        watched = await asterisk.place_call("1000")
        await ari.request(
            "POST", f"/channels/{watched.id}/snoop/callscribe-snoop-late", {"spy": "in", "app": "callscribe"}
        )
        leg = await asterisk.place_call("2000", caller="+821100000009", caller_name="Kim")
        async for arrived in ari.arrivals:
            assert arrived.channel.id == leg.id
            assert (arrived.channel.dialplan.exten, arrived.channel.caller.number) == ("2000", "+821100000009")
            assert arrived.channel.caller.name == "Kim"
            assert arrived.channel.is_in_application("callscribe")
            break
        assert isinstance(await watch.next(5), StasisStart)


async def test_arrivals_are_held_until_released() -> None:
    arrivals = Arrivals(limit=1)
    arrivals.hold()
    assert arrivals.offer(start("c1"))
    assert not arrivals.offer(start("c2"))
    reading = asyncio.ensure_future(anext(aiter(arrivals)))
    await asyncio.sleep(0)
    assert not reading.done()
    arrivals.release()
    assert (await reading).channel.id == "c1"
    arrivals.offer(start("c3"))
    assert arrivals.forget() == 1
    arrivals.end()
    assert [it async for it in arrivals] == []
    assert not arrivals.offer(start("c4"))


def test_backoff_doubles_to_its_limit_with_at_most_half_cut_off() -> None:
    backoff = Backoff(first_seconds=1, limit_seconds=5)
    full, half = backoff.delays(lambda: 0.0), backoff.delays(lambda: 1.0)
    assert [next(full) for _ in range(5)] == [1, 2, 4, 5, 5]
    assert [next(half) for _ in range(5)] == [0.5, 1, 2, 2.5, 2.5]


async def test_what_happens_to_a_new_call_before_it_is_claimed_is_not_lost(
    ari: Ari, asterisk: ScriptedAsterisk
) -> None:
    leg = await asterisk.place_call("1000")
    leg.press("1")
    leg.hang_up()
    assert await ari.request("GET", "/channels") == []
    arrived = await anext(aiter(ari.arrivals))
    with ari.claim(arrived.channel.id) as watch:
        assert (await watch.wait_for(ChannelDtmfReceived, 5)).digit == "1"
        await watch.wait_for(ChannelDestroyed, 5)
        assert ari.is_watched(leg.id)
    assert not ari.is_watched(leg.id)
