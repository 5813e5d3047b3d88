"""The API on live calls: transcribe, refuse, stop, hang up; interims on the WebSocket."""

import pytest

from app.cli.caller import CallPlan, open_caller
from app.domain.ids import new_id
from tests.asterisk.calls.instance import Instance
from tests.asterisk.calls.test_early_ends import NOTHING, call_of, wait_hangup
from tests.speech_files import librivox_files

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(60)]


async def test_transcribe_stop_and_hang_up_by_the_api(running: Instance) -> None:
    plan = CallPlan(running.sip_uri("7106"), say=librivox_files()[0][0], user="api", delay_seconds=1.5, stay_seconds=60)
    async with open_caller(plan) as caller:
        await running.wait_for(lambda it: call_of(it, "api", "call_progressing"), 8, "call_progressing")
        call = call_of(running, "api", "call_progressing")
        assert call is not None
        asked = {"reference_type": "call", "reference_id": call["id"], "language": "en-us", "direction": "both"}

        for change, status, reason in (
            ({"language": ""}, 400, "INVALID_ARGUMENT"),
            ({"language": "klingon!"}, 400, "INVALID_ARGUMENT"),
            ({"language": "es-ES"}, 400, "LANGUAGE_NOT_INSTALLED"),
            ({"reference_type": "letter"}, 400, "INVALID_ARGUMENT"),
            ({"reference_id": new_id()}, 404, "CALL_NOT_FOUND"),
        ):
            code, body = await running.post("/transcribes", asked | change)
            assert (code, body["error"]["reason"]) == (status, reason), body

        code, transcribe = await running.post("/transcribes", asked)
        assert code == 200, transcribe
        assert (transcribe["status"], transcribe["language"]) == ("progressing", "en-US")
        assert transcribe["tm_delete"] == "9999-01-01 00:00:00.000000"
        code, body = await running.post("/transcribes", asked)
        assert (code, body["error"]["reason"]) == (409, "TRANSCRIBE_ALREADY_PROGRESSING")

        def rows_of(instance: Instance) -> list[str]:
            rows = [row for row in instance.of_type("transcript_created") if row["transcribe_id"] == transcribe["id"]]
            return [row["message"] for row in rows]

        await running.wait_for(rows_of, 15, "a transcript")
        code, stopped = await running.post(f"/transcribes/{transcribe['id']}/stop")
        assert (code, stopped["status"]) == (200, "done")
        code, again = await running.post(f"/transcribes/{transcribe['id']}/stop")
        assert (code, again) == (200, stopped)
        assert (await running.get(f"/transcribes/{transcribe['id']}"))["status"] == "done"

        code, ending = await running.post(f"/calls/{call['id']}/hangup")
        assert (code, ending["status"]) == (200, "terminating")
        await caller.finish()
    ended = await wait_hangup(running, "api")
    assert (ended["hangup_by"], ended["hangup_reason"]) == ("local", "normal")
    code, body = await running.post("/transcribes", asked)
    assert (code, body["error"]["reason"]) == (409, "STATE_INVALID")
    speech = running.of_type("transcribe_speech_started", "transcribe_speech_ended")
    assert [event for event in speech if event["transcribe_id"] == transcribe["id"]]
    assert await running.residue() == NOTHING


async def test_interims_come_before_their_final(running: Instance) -> None:
    plan = CallPlan(running.sip_uri("7101"), say=librivox_files()[0][0], user="interim", stay_seconds=1.5)
    async with open_caller(plan) as caller:
        await caller.finish()
    await wait_hangup(running, "interim")
    final = next(row for row in reversed(running.of_type("transcript_created")) if row["direction"] == "in")
    own = [
        (event["type"], event["data"])
        for event in running.events
        if event["data"].get("transcribe_id") == final["transcribe_id"] and event["data"]["direction"] == "in"
    ]
    types = [type_ for type_, _ in own]
    assert types[0] == "transcribe_speech_started"
    assert "transcribe_speech_interim" in types
    assert types.index("transcribe_speech_interim") < types.index("transcript_created")
    assert types.count("transcribe_speech_started") == types.count("transcribe_speech_ended")
    interim = next(data for type_, data in own if type_ == "transcribe_speech_interim")
    assert interim["message"]
    assert all("message" not in data for type_, data in own if type_ == "transcribe_speech_started")
