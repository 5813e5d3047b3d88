"""transcribe_stop, summaries, and recordings with their transcripts inside of a real call's flow."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]

from app.domain.audio import SAMPLE_RATE
from app.flow.flow_ids import to_flow_id
from benchmarks.scores import normalise, word_error_rate
from tests.asterisk.calls.conversation import write_script
from tests.asterisk.calls.instance import Instance
from tests.asterisk.calls.sip_peer import open_sip_peer
from tests.asterisk.flows.keys import call_id_of, ended_call, loudness
from tests.speech_files import english_files

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

FIRST = "Your parcel will arrive on Monday morning."
SECOND = "Thank you for the music."
BEEP_PITCH = 1000


def action(kind: str, **option: Any) -> dict[str, Any]:
    return {"type": kind, "option": option}


def has_text(variable: str) -> dict[str, Any]:
    """The flow goes on where the variable holds some words, else it ends as failed."""
    more = {"condition": ">=", "value_type": "length", "value_length": 10, "false_target_id": "bad"}
    return action("condition_variable", variable=variable, **more)


GOOD = action("hangup", reason="busy")
BAD = {"id": "bad", **action("hangup", reason="failed")}


def recorded(number: str, **option: Any) -> dict[str, Any]:
    """Record until that ends by itself, then write down what the caller said."""
    actions = [
        action("answer"),
        action("recording_start", wait=True, on_end_flow_id="written-after", **option),
        action("transcribe_recording", direction="in", on_end_flow_id="written-after"),
        has_text("voipbin.transcribe.text"),
        GOOD,
        BAD,
    ]
    return {"numbers": [number], "language": "en-US", "actions": actions}


FLOWS = {
    "written-stop": {
        "numbers": ["7341"],
        "language": "en-US",
        "actions": [
            action("transcribe_start", direction="out"),  # before the answer: it fails, and the flow goes on
            action("answer"),
            action("transcribe_start", direction="out"),
            action("talk", text=FIRST),
            action("transcribe_stop"),
            action("talk", text=SECOND),
            action("ai_summary"),
            has_text("voipbin.ai_summary.content"),
            GOOD,
            BAD,
        ],
    },
    "written-mp3": recorded("7342", format="mp3", end_of_key="any", beep_start=True),
    "written-ogg": recorded("7343", format="ogg", duration=4),
    "written-after": {"actions": [action("variable_set", key="after", value="${voipbin.transcribe.text}")]},
}


async def test_what_is_said_after_transcribe_stop_is_not_written(running5: Instance) -> None:
    """And what was written before is summarised, offline."""
    async with open_sip_peer("written-stop") as caller:
        call = await caller.call(running5.sip_uri("7341"))
        await call.wait_ended(20)
    call_id = call_id_of(running5, "written-stop")
    assert (await ended_call(running5, call_id))["hangup_reason"] == "busy"
    [transcribe] = (await running5.get("/transcribes", reference_type="call", reference_id=call_id))["result"]
    rows = (await running5.get("/transcripts", transcribe_id=transcribe["id"]))["result"]
    assert {row["direction"] for row in rows} == {"out"}
    heard = " ".join(row["message"] for row in reversed(rows))
    assert word_error_rate([normalise(FIRST)], [normalise(heard)]) < 0.5, heard
    order = [
        (event["type"], event["data"]["id"])
        for event in running5.events
        if event["data"]["id"] in {transcribe["id"], call_id}
    ]
    assert order.index(("transcribe_done", transcribe["id"])) < order.index(("call_hangup", call_id))
    # The second sentence lasted a second and more between the end of the one and the end of the other.
    assert len(normalise(heard).split()) <= len(normalise(FIRST).split()) + 2


async def record(running: Instance, number: str, key: str, voice: Path) -> tuple[dict[str, Any], bytes, bytes, str]:
    """Say something into a recording and end it; the recording, what was heard, the file and its content type."""
    user = f"written-{number}"
    async with open_sip_peer(user) as caller:
        call = await caller.call(running.sip_uri(number))
        await call.wait_answered()
        await running.wait_for(lambda it: _recordings(it, "recording_started", user), 10, "the recording")
        await call.say(voice)
        if key:
            call.send_digits(key)
        await running.wait_for(lambda it: _recordings(it, "recording_finished", user), 10, "the recording's end")
        await call.wait_ended(30)
        heard = call.heard()
    assert (await ended_call(running, call_id_of(running, user)))["hangup_reason"] == "busy"
    [row] = _recordings(running, "recording_finished", user)
    async with running.session.get(f"{running.api}/recordingfiles/{row['id']}") as reply:
        assert reply.status == 200
        return row, heard, await reply.read(), reply.content_type


def _recordings(instance: Instance, event: str, user: str) -> list[dict[str, Any]]:
    calls = {each["id"] for each in instance.of_type("call_created") if each["source"]["target"] == user}
    return [each for each in instance.of_type(event) if each["reference_id"] in calls]


async def wait_followed(running: Instance, *references: tuple[str, str]) -> None:
    """Wait until a flow has followed each of these (reference type, id)."""

    def have_followed(instance: Instance) -> bool:
        flow_id = to_flow_id("written-after")
        flows = [each for each in instance.of_type("activeflow_created") if each["flow_id"] == flow_id]
        return set(references) <= {(each["reference_type"], each["reference_id"]) for each in flows}

    await running.wait_for(have_followed, 10, "the flows that follow")


@pytest.mark.parametrize(
    ("number", "key", "kind"), [("7342", "7", "audio/mpeg"), ("7343", "", "audio/ogg")], ids=["mp3", "ogg"]
)
async def test_a_recording_in_another_format(
    running5: Instance, tmp_path: Path, number: str, key: str, kind: str
) -> None:
    path, text = english_files()[9]
    voice = write_script([(path, text)], tmp_path / "voice.wav", lead_seconds=0.3).wav
    row, heard_by_caller, content, content_type = await record(running5, number, key, voice)
    assert content_type == kind
    sound, rate = soundfile.read(BytesIO(content))
    assert (rate, sound.ndim) == (SAMPLE_RATE, 2)
    said = np.sqrt((sound[:, 0] ** 2).mean()) * 32768
    assert said > 200, "the caller is left"
    if key:
        assert float(np.abs(sound[:, 1]).max()) * 32768 < 500, "the tone comes before the recording"
        assert loudness(heard_by_caller, BEEP_PITCH) > 1000, "the tone was heard"
    else:
        assert abs(len(sound) / rate - 4) < 0.2
    pages = await running5.get("/transcribes", reference_type="recording", reference_id=row["id"])
    [transcribe] = pages["result"]
    assert (transcribe["status"], transcribe["direction"]) == ("done", "in")
    rows = (await running5.get("/transcripts", transcribe_id=transcribe["id"]))["result"]
    heard = " ".join(each["message"] for each in reversed(rows))
    print(text, heard, sep="\n")
    assert {each["direction"] for each in rows} == {"in"}
    if key:
        assert word_error_rate([normalise(text)], [normalise(heard)]) < 0.4
    await wait_followed(running5, ("recording", row["id"]), ("transcribe", transcribe["id"]))


@pytest.mark.parametrize(
    ("kind", "option", "setting"),
    [
        ("ai_talk", {"language": "en-US"}, "CALLSCRIBE_AI_URL"),
        ("ai_task", {"prompt": "What?"}, "CALLSCRIBE_AI_URL"),
        ("case_create", {}, "CALLSCRIBE_CRM_URL"),
        ("conversation_send", {"conversation_id": "c", "text": "t"}, "CALLSCRIBE_CRM_URL"),
        ("email_send", {"destinations": ["anna@example.com"]}, "CALLSCRIBE_SMTP_URL"),
        ("message_send", {"destinations": [{"target": "+821012345678"}], "text": "t"}, "CALLSCRIBE_SMS_URL"),
    ],
)
async def test_what_is_not_configured_is_refused(
    running5: Instance, kind: str, option: dict[str, Any], setting: str
) -> None:
    """Never a silent no-op: the flow cannot even be saved, and the answer names the setting."""
    status, reply = await running5.post("/flows", {"name": "refused", "actions": [action(kind, **option)]})
    assert status == 400, reply
    assert setting in reply["error"]["message"]
