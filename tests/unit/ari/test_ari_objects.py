import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

import pytest

from app.ari import channel as channels
from app.ari.ari import Ari
from app.ari.bridge import open_bridge
from app.ari.errors import AriDisconnected, AriRefused, AriTimeout
from app.ari.events import ChannelDestroyed, Dial, Disconnected, StasisStart
from app.ari.external_media import open_external_media
from app.ari.leftovers import sweep
from app.ari.playback import PlaybackResult, open_playback
from app.ari.release import finish
from app.ari.snoop import open_snoop
from app.domain.ids import asterisk_id
from app.errors import InvalidArgument, LegGone
from tests.scenarios.scripted_asterisk import ScriptedAsterisk
from tests.scenarios.scripted_leg import ScriptedLeg

SNOOP, MEDIA, TAP, PLAY = (asterisk_id(kind, "1") for kind in ("snoop", "media", "tap", "play"))


@pytest.fixture
async def leg(ari: Ari, asterisk: ScriptedAsterisk) -> ScriptedLeg:
    return await asterisk.place_call("1000")


async def open_tap(stack: AsyncExitStack, ari: Ari, leg_id: str) -> tuple[str, int]:
    snoop = await stack.enter_async_context(open_snoop(ari, leg_id, SNOOP, "in"))
    media = await stack.enter_async_context(open_external_media(ari, MEDIA, "127.0.0.1", 9))
    bridge = await stack.enter_async_context(open_bridge(ari, TAP))
    await bridge.add(snoop.channel_id, media.channel_id)
    return media.source


async def test_a_tap_is_made_streams_and_leaves_nothing(ari: Ari, asterisk: ScriptedAsterisk, leg: ScriptedLeg) -> None:
    async with AsyncExitStack() as stack:
        source = await open_tap(stack, ari, leg.id)
        await leg.tapped("in")
        rtp = asterisk.channels[MEDIA].rtp
        assert rtp is not None
        assert source == ("127.0.0.1", rtp.port)
        assert (ari.holds(SNOOP), ari.holds(MEDIA), ari.holds(TAP)) == (True, True, True)
        assert asterisk.bridges[TAP].name == "callscribe"
    assert asterisk.leftovers() == []
    assert not ari.holds(SNOOP)
    assert not ari.is_watched(SNOOP)


@pytest.mark.parametrize("pattern", ["/channels/*/snoop/*", "/channels/externalMedia"])
async def test_the_stasis_start_may_come_before_the_answer(
    ari: Ari, asterisk: ScriptedAsterisk, leg: ScriptedLeg, pattern: str
) -> None:
    asterisk.faults.events_first("POST", pattern)
    async with AsyncExitStack() as stack:
        await open_tap(stack, ari, leg.id)
        assert leg.taps == {"in"}
    assert asterisk.leftovers() == []


async def test_a_snoop_that_never_starts_times_out_and_is_released(
    ari: Ari, asterisk: ScriptedAsterisk, leg: ScriptedLeg
) -> None:
    asterisk.faults.withhold("StasisStart", SNOOP)
    with pytest.raises(AriTimeout):
        async with open_snoop(ari, leg.id, SNOOP, "in", timeout_seconds=0.05):
            pass
    assert asterisk.leftovers() == []


async def test_a_creation_whose_answer_is_lost_is_released(
    ari: Ari, asterisk: ScriptedAsterisk, leg: ScriptedLeg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ari.operation.Operation.send", _impatient)
    asterisk.faults.lose_answer("POST", "/channels/externalMedia")
    with pytest.raises(AriTimeout):
        async with open_external_media(ari, MEDIA, "127.0.0.1", 9):
            pass
    assert asterisk.leftovers() == []
    assert asterisk.asked("DELETE", MEDIA)


async def _impatient(operation, ari, ids={}, query={}, body=None, *, timeout_seconds=0.1):  # type: ignore[no-untyped-def] # noqa: B006
    return await ari.request(operation.method, operation.path(**ids), query, body, timeout_seconds=0.1)


async def test_what_asterisk_refused_to_make_is_not_deleted(
    ari: Ari, asterisk: ScriptedAsterisk, leg: ScriptedLeg
) -> None:
    asterisk.faults.refuse("POST", "/channels/*/snoop/*", 500, "Snoop channel could not be created")
    with pytest.raises(AriRefused, match="500 Snoop channel could not be created"):
        async with open_snoop(ari, leg.id, SNOOP, "in"):
            pass
    assert not asterisk.asked("DELETE", SNOOP)


async def test_snooping_a_party_that_hung_up_is_leg_gone(ari: Ari, leg: ScriptedLeg) -> None:
    leg.hang_up()
    with pytest.raises(LegGone):
        async with open_snoop(ari, leg.id, SNOOP, "in"):
            pass


async def test_a_snoop_whose_party_hangs_up_before_it_starts_is_leg_gone(
    ari: Ari, asterisk: ScriptedAsterisk, leg: ScriptedLeg
) -> None:
    asterisk.faults.withhold("StasisStart", SNOOP)
    opening = asyncio.create_task(_enter(open_snoop(ari, leg.id, SNOOP, "in")))
    await asterisk.until(lambda: SNOOP in asterisk.channels)
    leg.hang_up()
    with pytest.raises(LegGone):
        await opening


async def _enter(context: AbstractAsyncContextManager[object]) -> None:
    async with context:
        pass


async def test_a_lost_connection_while_making_is_told(ari: Ari, asterisk: ScriptedAsterisk, leg: ScriptedLeg) -> None:
    asterisk.faults.withhold("StasisStart", SNOOP)
    opening = asyncio.create_task(_enter(open_snoop(ari, leg.id, SNOOP, "in")))
    await asterisk.until(lambda: SNOOP in asterisk.channels)
    asterisk.drop_socket()
    with pytest.raises(AriDisconnected):
        await opening


async def test_release_happens_under_repeated_cancellation(
    ari: Ari, asterisk: ScriptedAsterisk, leg: ScriptedLeg
) -> None:
    asterisk.faults.delay("DELETE", f"/channels/{SNOOP}", 0.05)
    is_open = asyncio.Event()

    async def hold_it() -> None:
        async with AsyncExitStack() as stack:
            await open_tap(stack, ari, leg.id)
            is_open.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hold_it())
    await is_open.wait()
    while not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=0.005)
    assert task.cancelled()
    assert asterisk.leftovers() == []


async def test_cancelled_while_making_leaves_nothing(ari: Ari, asterisk: ScriptedAsterisk, leg: ScriptedLeg) -> None:
    asterisk.faults.delay("POST", "/channels/*/snoop/*", 0.05)
    opening = asyncio.create_task(_enter(open_snoop(ari, leg.id, SNOOP, "in")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert asterisk.leftovers() == []


async def test_finish_gives_the_result_and_the_error() -> None:
    async def succeed() -> int:
        return 1

    async def fail() -> None:
        raise ZeroDivisionError

    assert await finish(succeed()) == 1
    with pytest.raises(ZeroDivisionError):
        await finish(fail())


async def test_release_without_a_connection_or_against_refusal_does_not_fail(
    ari: Ari, asterisk: ScriptedAsterisk
) -> None:
    asterisk.faults.refuse("DELETE", "/bridges/*", 500)
    async with open_bridge(ari, TAP):
        pass
    assert asterisk.leftovers() == [TAP]
    asterisk.is_refusing = True
    with ari.watch("x") as watch:
        async with open_bridge(ari, asterisk_id("tap", "2")):
            asterisk.drop_socket()
            assert isinstance(await watch.next(5), Disconnected)
    assert len(asterisk.leftovers()) == 2


async def test_an_object_that_is_already_gone_is_released(ari: Ari, asterisk: ScriptedAsterisk) -> None:
    async with open_bridge(ari, TAP) as bridge:
        asterisk.destroy_bridge(asterisk.bridges[TAP])
        with pytest.raises(AriRefused, match="404 Bridge not found"):
            await bridge.add("x")


async def test_bridging_and_taking_out(ari: Ari, asterisk: ScriptedAsterisk, leg: ScriptedLeg) -> None:
    async with open_bridge(ari, TAP) as bridge:
        await bridge.add(leg.id)
        assert asterisk.bridges[TAP].channels == [leg.id]
        await bridge.remove(leg.id)
        await bridge.remove(leg.id)
        assert asterisk.bridges[TAP].channels == []
        leg.hang_up()
        with pytest.raises(LegGone):
            await bridge.add(leg.id)
        await bridge.remove(leg.id)


OnChannel = Callable[[Ari, str], Awaitable[object]]


@pytest.mark.parametrize(
    "operate",
    [
        channels.answer,
        channels.ring,
        channels.stop_ringing,
        channels.get_channel,
        lambda ari, leg_id: channels.send_digits(ari, leg_id, "1"),
        lambda ari, leg_id: channels.set_variable(ari, leg_id, "A", "1"),
        lambda ari, leg_id: channels.get_variable(ari, leg_id, "A"),
    ],
)
async def test_operations_on_a_party_that_hung_up_are_leg_gone(ari: Ari, leg: ScriptedLeg, operate: OnChannel) -> None:
    await operate(ari, leg.id)
    leg.hang_up()
    with pytest.raises(LegGone):
        await operate(ari, leg.id)


async def test_channel_operations(ari: Ari, asterisk: ScriptedAsterisk, leg: ScriptedLeg) -> None:
    await channels.ring(ari, leg.id)
    assert leg.is_ringing
    await channels.answer(ari, leg.id)
    await leg.answered()
    assert await channels.get_variable(ari, leg.id, "NAME") is None
    await channels.set_variable(ari, leg.id, "NAME", "a=b c")
    assert await channels.get_variable(ari, leg.id, "NAME") == "a=b c"
    assert (await channels.get_channel(ari, leg.id)).state == "Up"
    await channels.hang_up(ari, leg.id, 17)
    assert await leg.ended() == 17
    await channels.hang_up(ari, leg.id)
    asterisk.faults.refuse("DELETE", "*", 400)
    with pytest.raises(AriRefused):
        await channels.hang_up(ari, leg.id, "busy")


async def test_calling_out(ari: Ari, asterisk: ScriptedAsterisk) -> None:
    leg_id = asterisk_id("leg", "1")
    with ari.watch(leg_id) as watch:
        async with channels.open_outgoing_channel(ari, leg_id, "PJSIP/x/sip:x@127.0.0.1", caller_id="100"):
            assert (await watch.wait_for(Dial)).dialstatus == ""
            await watch.wait_for(StasisStart, 5)
        assert (await watch.wait_for(ChannelDestroyed, 5)).cause == 16
        asterisk.dial_status = "BUSY"
        async with channels.open_outgoing_channel(ari, leg_id, "PJSIP/x/sip:x@127.0.0.1"):
            assert (await watch.wait_for(ChannelDestroyed, 5)).cause == 17


async def test_a_playback_is_played_to_its_end(ari: Ari, asterisk: ScriptedAsterisk, leg: ScriptedLeg) -> None:
    asterisk.sounds = {"sound:one": bytes(640), "sound:two": bytes(640)}
    async with open_playback(ari, leg.id, PLAY, ["sound:one", "sound:two"]) as playback:
        assert await playback.finished() is PlaybackResult.DONE
        assert playback.is_finished
        assert await playback.finished() is PlaybackResult.DONE
    assert leg.played == ["sound:one", "sound:two"]
    assert not asterisk.asked("DELETE", PLAY)


async def test_a_sound_that_is_missing_fails(ari: Ari, leg: ScriptedLeg, tmp_path: Path) -> None:
    async with open_playback(ari, leg.id, PLAY, [f"sound:{tmp_path}/nothing"]) as playback:
        assert await playback.finished() is PlaybackResult.FAILED


async def test_a_playback_is_stopped_by_hand_or_at_the_end(
    ari: Ari, asterisk: ScriptedAsterisk, leg: ScriptedLeg
) -> None:
    asterisk.are_playbacks_held = True
    asterisk.sounds = {"sound:one": bytes(640)}
    async with open_playback(ari, leg.id, PLAY, ["sound:one"]) as playback:
        await playback.stop()
        assert await playback.finished() is PlaybackResult.DONE
        await playback.stop()
    async with open_playback(ari, leg.id, PLAY, ["sound:one"]):
        assert asterisk.channels[leg.id].playings
    assert not asterisk.channels[leg.id].playings


async def test_a_party_that_hangs_up_during_a_playback_is_leg_gone(
    ari: Ari, asterisk: ScriptedAsterisk, leg: ScriptedLeg
) -> None:
    asterisk.are_playbacks_held = True
    asterisk.sounds = {"sound:one": bytes(640)}
    async with open_playback(ari, leg.id, PLAY, ["sound:one"]) as playback:
        leg.hang_up()
        with pytest.raises(LegGone):
            await playback.finished()
    with pytest.raises(LegGone):
        async with open_playback(ari, leg.id, PLAY, ["sound:one"]):
            pass


async def test_a_playback_without_its_end_ends_with_the_leg(
    ari: Ari, asterisk: ScriptedAsterisk, leg: ScriptedLeg
) -> None:
    asterisk.are_playbacks_held = True
    asterisk.faults.withhold("PlaybackFinished")
    async with open_playback(ari, leg.id, PLAY, ["digits:1"]) as playback:
        leg.hang_up()
        with pytest.raises(LegGone):
            await playback.finished()


@pytest.mark.parametrize("is_still_playing", [True, False])
async def test_a_playback_over_a_lost_connection(
    ari: Ari, asterisk: ScriptedAsterisk, leg: ScriptedLeg, is_still_playing: bool
) -> None:
    asterisk.are_playbacks_held = True
    async with open_playback(ari, leg.id, PLAY, ["digits:1"]) as playback:
        asterisk.drop_socket()
        if is_still_playing:
            waiting = asyncio.create_task(playback.finished())
            await asterisk.until(lambda: bool(asterisk.asked("GET", PLAY)))
            asterisk.finish_playbacks()
            assert await waiting is PlaybackResult.DONE
        else:
            asterisk.finish_playbacks()
            assert await playback.finished() is PlaybackResult.LOST


async def test_media_that_asterisk_would_never_finish_is_refused(ari: Ari, leg: ScriptedLeg) -> None:
    with pytest.raises(InvalidArgument, match="media: 'bogus:x' is not playable"):
        async with open_playback(ari, leg.id, PLAY, ["sound:one", "bogus:x"]):
            pass


async def test_the_sweep_deletes_only_leftovers_of_our_application(
    ari: Ari, asterisk: ScriptedAsterisk, leg: ScriptedLeg
) -> None:
    for left in ("1", "2"):
        await ari.request(
            "POST", f"/channels/{leg.id}/snoop/{asterisk_id('snoop', left)}", {"spy": "in", "app": "callscribe"}
        )
        await ari.request("POST", f"/bridges/{asterisk_id('tap', left)}", {"name": "callscribe"})
    await ari.request(
        "POST", f"/channels/{leg.id}/snoop/{asterisk_id('snoop', 'other')}", {"spy": "in", "app": "other"}
    )
    await ari.request("POST", f"/bridges/{asterisk_id('tap', 'other')}", {"name": "other"})
    await ari.request("POST", "/bridges/somebodys", {"name": "callscribe"})
    async with open_bridge(ari, TAP + "-held"):
        report = await sweep(ari, lambda it: ari.holds(it) or it == asterisk_id("snoop", "2"))
        assert report.deleted == (SNOOP, asterisk_id("tap", "1"), asterisk_id("tap", "2"))
        assert report.failed == ()
        assert [it.id for it in report.strays] == [leg.id]
        assert leg.id in report.alive
        assert set(asterisk.bridges) == {"somebodys", TAP + "-held", asterisk_id("tap", "other")}


async def test_a_sweep_goes_on_after_a_failure(ari: Ari, asterisk: ScriptedAsterisk) -> None:
    for left in ("1", "2"):
        await ari.request("POST", f"/bridges/{asterisk_id('tap', left)}", {"name": "callscribe"})
    asterisk.faults.refuse("DELETE", f"/bridges/{TAP}", 500)
    report = await sweep(ari, ari.holds)
    assert (report.deleted, report.failed) == ((asterisk_id("tap", "2"),), (TAP,))
    assert (await sweep(ari, ari.holds)).deleted == (TAP,)
