"""Past the limit of recognition: calls are what they always are, only without text, and everybody learns why."""

import pytest

from app.domain.transcribe import ReferenceType, TranscribeRefusal
from app.speech.recognition_load import LoadLevel
from tests.scenarios.conftest import Scenario
from tests.scenarios.test_calls_end_well import SILENCE, ended_call, speech

pytestmark = pytest.mark.timeout(60)


def set_level(scenario: Scenario, level: LoadLevel) -> None:
    """Have the pool in this state: what leads to it is tested where the load is measured."""
    load = scenario.application.transcribes._parts.pool.recognition_load
    load.level = level
    load._full.calm_seconds = load._shedding.calm_seconds = 3600.0


async def test_a_flow_goes_on_without_text(scenario: Scenario) -> None:
    set_level(scenario, LoadLevel.FULL)
    leg = await scenario.asterisk.place_call("103")
    refused = await scenario.happened("transcribe_refused")
    assert isinstance(refused.data, TranscribeRefusal)
    assert (refused.data.reason, refused.data.reference_type) == ("RECOGNITION_OVERLOADED", ReferenceType.CALL)
    await leg.ended()
    call = await ended_call(scenario)
    assert refused.data.reference_id == call.id
    assert len(leg.played) == 1, "the prompt was played"
    assert "transcribe_created" not in scenario.types
    kept = await scenario.application.store.events.last_seq()
    assert refused.seq <= kept


async def test_a_digit_still_stops_the_prompt(scenario: Scenario) -> None:
    set_level(scenario, LoadLevel.FULL)
    scenario.asterisk.are_playbacks_held = True
    leg = await scenario.asterisk.place_call("103")
    await scenario.asterisk.until(lambda: bool(leg.played), "the prompt is played")
    leg.press("5")
    await leg.ended()
    await ended_call(scenario)


async def test_a_transcribe_that_runs_goes_on_with_its_texts_and_later_ones_begin_again(scenario: Scenario) -> None:
    first = await scenario.asterisk.place_call("101")
    await first.tapped("in", "out")
    set_level(scenario, LoadLevel.FULL)
    second = await scenario.asterisk.place_call("101")
    await scenario.happened("transcribe_refused")
    first.say(SILENCE + speech() + SILENCE)
    await scenario.happened("transcript_created")
    assert "transcribe_speech_interim" not in scenario.types
    set_level(scenario, LoadLevel.NORMAL)
    third = await scenario.asterisk.place_call("101")
    await scenario.happened("transcribe_progressing", 2)
    for leg in (first, second, third):
        leg.hang_up()
    await scenario.happened("transcribe_done", 2)
    await ended_call(scenario, 3)
    assert scenario.types.count("transcribe_refused") == 1
