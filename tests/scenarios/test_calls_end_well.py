"""However a call goes wrong, it ends with the right events and leaves nothing behind in Asterisk or in the app."""

from typing import Any

import pytest

from app.domain.call import Call, CallStatus, HangupBy, HangupReason
from app.domain.transcribe import Direction, Transcribe, TranscribeStatus
from app.domain.transcript import Transcript
from tests.scenarios.conftest import Scenario
from tests.speech_files import librivox_files, read_samples

pytestmark = pytest.mark.timeout(60)

SILENCE = bytes(16000)


def speech(index: int = 1) -> bytes:
    """A sentence of human speech."""
    return read_samples(librivox_files()[index][0])


async def ended_call(scenario: Scenario, times: int = 1) -> Call:
    event = await scenario.happened("call_hangup", times)
    assert isinstance(event.data, Call)
    stored = await scenario.application.store.calls.get_by_id(event.data.id)
    assert stored is not None
    assert stored.status is CallStatus.HANGUP
    await scenario.until(lambda: len(scenario.application.live_calls) == 0, "no call lives")
    return event.data


async def done_transcribe(scenario: Scenario) -> Transcribe:
    event = await scenario.happened("transcribe_done")
    assert isinstance(event.data, Transcribe)
    stored = await scenario.application.store.transcribes.get_by_id(event.data.id)
    assert stored is not None
    assert stored.status is TranscribeStatus.DONE
    return event.data


def transcripts(scenario: Scenario, direction: Direction) -> list[Transcript]:
    rows = [event.data for event in scenario.events if isinstance(event.data, Transcript)]
    return [row for row in rows if row.direction is direction]


async def test_hang_up_before_the_answer(scenario: Scenario) -> None:
    leg = await scenario.asterisk.place_call("100")
    await scenario.happened("activeflow_updated")
    leg.hang_up()
    call = await ended_call(scenario)
    assert (call.hangup_by, call.hangup_reason) == (HangupBy.REMOTE, HangupReason.CANCEL)
    assert "call_progressing" not in scenario.types


async def test_hang_up_at_once_after_the_arrival(scenario: Scenario) -> None:
    """The hang-up comes in the same breath as the arrival, before anybody could look."""
    leg = await scenario.asterisk.place_call("101")
    leg.hang_up()
    await ended_call(scenario)
    assert "transcribe_created" not in scenario.types


async def test_hang_up_in_the_middle_of_talk(scenario: Scenario) -> None:
    scenario.asterisk.are_playbacks_held = True
    leg = await scenario.asterisk.place_call("102")
    await scenario.asterisk.until(lambda: bool(leg.played), "the prompt is played")
    leg.hang_up()
    call = await ended_call(scenario)
    assert (call.hangup_by, call.hangup_reason) == (HangupBy.REMOTE, HangupReason.NORMAL)


@pytest.mark.parametrize(
    "slow", ["/channels/externalMedia", "/channels/*/snoop/*", "/bridges/*", "/bridges/*/addChannel"]
)
async def test_hang_up_in_the_middle_of_transcribe_start(scenario: Scenario, slow: str) -> None:
    scenario.asterisk.faults.delay("POST", slow, 0.2, times=1)
    leg = await scenario.asterisk.place_call("101")
    await leg.answered()
    leg.hang_up()
    await ended_call(scenario)
    assert scenario.types.count("transcribe_created") == scenario.types.count("transcribe_done")


@pytest.mark.parametrize("refused", ["/channels/externalMedia", "/channels/*/snoop/*", "/bridges/*/addChannel"])
async def test_a_tap_that_cannot_be_made_leaves_nothing_and_the_flow_goes_on(scenario: Scenario, refused: str) -> None:
    """Of the two directions one fails: the other one is closed too, and the call goes on without text."""
    scenario.asterisk.faults.refuse("POST", refused, 500)
    leg = await scenario.asterisk.place_call("101")
    await leg.answered()
    await scenario.until(
        lambda: any(_action(event) == "sleep" for event in scenario.events), "the flow goes on with sleep"
    )
    assert "transcribe_created" not in scenario.types
    assert scenario.asterisk.leftovers() == []
    leg.hang_up()
    await ended_call(scenario)


def _action(event: Any) -> str:
    current = getattr(event.data, "current_action", None)
    return current.type if current else ""


async def test_events_before_their_answers(scenario: Scenario) -> None:
    scenario.asterisk.faults.events_first("*", "*")
    leg = await scenario.asterisk.place_call("101")
    await leg.tapped("in", "out")
    leg.say(SILENCE + speech() + SILENCE)
    await scenario.happened("transcript_created")
    leg.hang_up()
    await ended_call(scenario)
    await done_transcribe(scenario)


async def test_words_right_before_the_hang_up_are_kept(scenario: Scenario) -> None:
    leg = await scenario.asterisk.place_call("101")
    await leg.tapped("in", "out")
    leg.say(SILENCE + speech())
    await leg.said()
    leg.hang_up()
    transcribe = await done_transcribe(scenario)
    assert transcribe.direction is Direction.BOTH
    (row,) = transcripts(scenario, Direction.IN)
    assert row.message.lower().rstrip(".").split()[-1] == "man"
    assert transcripts(scenario, Direction.OUT) == []
    types = scenario.types
    assert types.index("transcript_created") < types.index("transcribe_done")
    await ended_call(scenario)


async def test_both_directions_stay_apart_and_on_one_clock(scenario: Scenario) -> None:
    leg = await scenario.asterisk.place_call("101")
    await leg.tapped("in", "out")
    leg.say(SILENCE + speech(1) + SILENCE)
    leg.hear(SILENCE + bytes(len(speech(1))) + speech(4) + SILENCE)
    await leg.said()
    leg.hang_up()
    await done_transcribe(scenario)
    (said,) = transcripts(scenario, Direction.IN)
    (heard,) = transcripts(scenario, Direction.OUT)
    assert "disposed" in said.message
    assert "disposed" not in heard.message
    assert said.offset + said.duration <= heard.offset
    await ended_call(scenario)


async def test_the_flow_that_ends_hangs_up(scenario: Scenario) -> None:
    leg = await scenario.asterisk.place_call("103")
    await leg.answered()
    await leg.ended()
    call = await ended_call(scenario)
    assert (call.hangup_by, call.hangup_reason) == (HangupBy.LOCAL, HangupReason.NORMAL)
    await done_transcribe(scenario)


async def test_a_digit_stops_the_prompt(scenario: Scenario) -> None:
    scenario.asterisk.are_playbacks_held = True
    leg = await scenario.asterisk.place_call("103")
    await scenario.asterisk.until(lambda: bool(leg.played), "the prompt is played")
    leg.press("5")
    await leg.ended()
    await ended_call(scenario)


async def test_a_prompt_that_cannot_be_played_does_not_end_the_call_early(scenario: Scenario) -> None:
    scenario.asterisk.faults.refuse("POST", "/channels/*/play/*", 500)
    leg = await scenario.asterisk.place_call("103")
    await leg.ended()
    call = await ended_call(scenario)
    assert call.hangup_reason is HangupReason.NORMAL
    await done_transcribe(scenario)


async def test_the_socket_is_cut_in_the_middle_of_a_call(scenario: Scenario) -> None:
    """The call goes on, the words go on, and the hang-up after it is noticed."""
    leg = await scenario.asterisk.place_call("101")
    await leg.tapped("in", "out")
    leg.say(SILENCE + speech() + SILENCE)
    await scenario.happened("transcript_created")
    scenario.asterisk.drop_socket()
    await scenario.asterisk.until(lambda: scenario.asterisk.connections == 2, "the app is connected again")
    leg.say(SILENCE + speech(4) + SILENCE)
    await scenario.happened("transcript_created", 2)
    assert "call_hangup" not in scenario.types
    leg.hang_up()
    await done_transcribe(scenario)
    await ended_call(scenario)


async def test_a_hang_up_while_the_socket_is_cut(scenario: Scenario) -> None:
    leg = await scenario.asterisk.place_call("101")
    await leg.tapped("in", "out")
    leg.say(SILENCE + speech())
    await leg.said()
    scenario.asterisk.drop_socket()
    leg.hang_up()
    await done_transcribe(scenario)
    await ended_call(scenario)
    assert len(transcripts(scenario, Direction.IN)) == 1


async def test_asterisk_restarts_in_the_middle_of_a_call(scenario: Scenario) -> None:
    await scenario.asterisk.place_call("101")
    await scenario.happened("transcribe_progressing")
    await scenario.asterisk.restart()
    await done_transcribe(scenario)
    await ended_call(scenario)
    other = await scenario.asterisk.place_call("101")
    await other.answered()
    await other.tapped("in", "out")
    other.hang_up()
    await ended_call(scenario, 2)


async def test_an_unknown_number_and_a_dead_media_path(scenario: Scenario) -> None:
    leg = await scenario.asterisk.place_call("404")
    assert await leg.ended() == 1
    assert scenario.types == []


async def test_the_program_ends_in_the_middle_of_calls(scenario: Scenario) -> None:
    """Ending is the job of the fixture: it checks that the calls are hung up and flushed."""
    legs = [await scenario.asterisk.place_call("101") for _ in range(3)]
    for leg in legs:
        await leg.tapped("in", "out")
    for call in scenario.application.live_calls:
        await call.hang_up()
    for leg in legs:
        await leg.ended()
    await ended_call(scenario, 3)
