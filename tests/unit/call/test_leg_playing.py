"""What a flow plays gives way to whatever else is done with the leg, and goes on."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from app.ari.ari import open_ari
from app.ari.playback import URL_CHARACTERS, lengthened
from app.call.leg_playing import LegPlaying, Pause
from app.domain.call import PlayOutcome
from app.errors import LegGone
from tests.scenarios.scripted_asterisk import ScriptedAsterisk, open_scripted_asterisk
from tests.scenarios.scripted_leg import ScriptedLeg


@dataclass
class Stage:
    asterisk: ScriptedAsterisk
    leg: ScriptedLeg
    playing: LegPlaying
    gone: asyncio.Event

    async def until_played(self, *media: str) -> None:
        await self.asterisk.until(lambda: self.leg.played == list(media), f"{media} were played")


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with (
        open_scripted_asterisk(speed=10) as asterisk,
        open_ari(asterisk.url, asterisk.user, asterisk.password) as ari,
    ):
        leg, gone = await asterisk.place_call("1000"), asyncio.Event()
        yield Stage(asterisk, leg, LegPlaying(ari, lambda: leg.id, gone), gone)


async def test_media_are_played_in_order(stage: Stage) -> None:
    assert await stage.playing.play(["digits:1", "digits:2"]) is PlayOutcome.DONE
    assert stage.leg.played == ["digits:1", "digits:2"]
    assert await stage.playing.play(["sound:/nothing", "digits:3"]) is PlayOutcome.FAILED
    assert stage.leg.played[-1] == "digits:3"


async def test_it_is_interrupted_and_goes_on_behind_what_was_heard(stage: Stage) -> None:
    stage.asterisk.are_playbacks_held = True
    playing = asyncio.create_task(stage.playing.play(["digits:1"]))
    await stage.until_played("digits:1")
    async with stage.playing.undisturbed():
        assert not stage.leg.channel.playings
    await stage.until_played("digits:1", "digits:1")
    stage.asterisk.are_playbacks_held = False
    assert await playing is PlayOutcome.DONE


async def test_it_waits_while_something_else_is_heard(stage: Stage) -> None:
    stage.asterisk.are_playbacks_held = True
    playing = asyncio.create_task(stage.playing.play(["digits:1"]))
    await stage.until_played("digits:1")
    async with stage.playing.undisturbed():
        stage.playing.pause(Pause.HOLD, is_on=True)
        stage.playing.pause(Pause.SILENCE, is_on=True)
    stage.playing.pause(Pause.HOLD, is_on=False)
    other = asyncio.create_task(stage.playing.play(["digits:2"]))
    await asyncio.sleep(0)
    assert stage.playing.pauses == {Pause.SILENCE}
    assert len(stage.asterisk.asked("POST", "/play/")) == 1
    stage.asterisk.are_playbacks_held = False
    stage.playing.pause(Pause.SILENCE, is_on=False)
    assert [await playing, await other] == [PlayOutcome.DONE, PlayOutcome.DONE]
    assert sorted(stage.leg.played) == ["digits:1", "digits:1", "digits:2"]


async def test_a_digit_or_the_hang_up_ends_it_also_while_it_waits(stage: Stage) -> None:
    stage.playing.pause(Pause.MUSIC, is_on=True)
    pressed = asyncio.Event()
    playing = asyncio.create_task(stage.playing.play(["digits:1"], pressed.wait))
    pressed.set()
    assert await playing is PlayOutcome.STOPPED_BY_DIGIT
    playing = asyncio.create_task(stage.playing.play(["digits:1"]))
    stage.gone.set()
    with pytest.raises(LegGone):
        await playing
    assert stage.leg.played == []


def test_urls_are_made_long_enough_for_asterisk() -> None:
    uri = lengthened("sound:http://127.0.0.1/a.wav")
    assert uri.startswith("sound:http://127.0.0.1/a.wav#")
    assert len(uri) > len("sound:") + URL_CHARACTERS
    assert lengthened("sound:http://h/a.wav#b").count("#") == 1
    for same in ("sound:beep", "tone:ring", "sound:http://h/" + "a" * URL_CHARACTERS):
        assert lengthened(same) == same
