"""The example programs, against a real call: what they print and write is about what was said in it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from app.cli.wav_file import write_wav
from tests.asterisk.calls.instance import KEY, Instance
from tests.asterisk.calls.sip_peer import open_sip_peer
from tests.speech_files import NO_KOREAN, korean_files, prompt_file, read_samples
from tests.tutorial.program import Program, open_program
from tests.tutorial.stories import NOBODY_AVAILABLE, errors_of, transcripts_of, wait_event, words

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

EXAMPLES = Path(__file__).parents[2] / "examples"
FOLLOWERS = ("quality_assurance", "compliance_record", "agent_assist", "call_summary", "keyword_alert")
SAYS = ("vm-savefolder", "vm-review-urgent", "vm-sorry", "privacy-prompt")
"""A question, an alert word, a complaint, and something to do."""
PAUSE = bytes(2 * 8000)
SOLVED = "I have looked into it, and your problem has been solved."


@dataclass
class Watched:
    """A call that all programs have followed: what was recognised, and what each program has printed."""

    call: dict[str, Any]
    transcribe: dict[str, Any]
    rows: list[dict[str, Any]]
    printed: dict[str, list[str]]
    records: Path
    supervisor_heard: float


def environment(house: Instance, **more: str) -> dict[str, str]:
    return {"CALLSCRIBE_URL": f"http://127.0.0.1:{house.http_port}", "CALLSCRIBE_TOKEN": KEY, **more}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def watched(house: Instance, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    """A customer calls and speaks while five programs listen."""
    folder = tmp_path_factory.mktemp("examples")
    speech = folder / "customer.wav"
    write_wav(speech, PAUSE.join(read_samples(prompt_file(name)[0]) for name in SAYS))
    async with AsyncExitStack() as stack:
        supervisor = await stack.enter_async_context(open_sip_peer("supervisor"))
        settings = environment(
            house, RECORDS_FILE=str(folder / "records.jsonl"), SUPERVISOR=f"sip:supervisor@{supervisor.host}"
        )
        programs = {
            name: await stack.enter_async_context(open_program(EXAMPLES / f"{name}.py", **settings))
            for name in FOLLOWERS
        }
        for name, program in programs.items():
            await program.wait_until(lambda it: "listening" in it.complaints, name)
        customer = await stack.enter_async_context(open_sip_peer("customer"))
        call = await customer.call(house.sip_uri("7011"))
        await call.wait_answered()
        own = await wait_event(house, "call_progressing", "direction", "incoming")
        await call.say(speech)
        await house.post(f"/calls/{own['id']}/talk", {"text": SOLVED, "language": "en-US"})
        await wait_words(house, own["id"], "solved")
        await call.hang_up()
        transcribe = await wait_event(house, "transcribe_done", "reference_id", own["id"])
        alarm = await supervisor.wait_call()
        await alarm.wait_ended(30)
        for name in ("quality_assurance", "compliance_record", "call_summary"):
            await programs[name].wait_until(lambda it: any(own["id"] in line for line in it.printed), name)
        yield Watched(
            call=await house.get(f"/calls/{own['id']}"),
            transcribe=transcribe,
            rows=await transcripts_of(house, transcribe["id"]),
            printed={name: program.printed for name, program in programs.items()},
            records=folder / "records.jsonl",
            supervisor_heard=alarm.heard_level(),
        )


async def wait_words(house: Instance, call_id: str, word: str) -> None:
    transcribes = {data["id"] for data in house.of_type("transcribe_created") if data["reference_id"] == call_id}

    def is_heard(instance: Instance) -> bool:
        rows = (row for row in instance.of_type("transcript_created") if row["transcribe_id"] in transcribes)
        return any(word in row["message"].lower() for row in rows)

    try:
        await house.wait_for(is_heard, 30, word)
    except AssertionError as fault:
        raise AssertionError(f"{fault}; {[row['message'] for row in house.of_type('transcript_created')]}") from None


async def test_quality_assurance(watched: Watched) -> None:
    (report,) = [json.loads(line) for line in watched.printed["quality_assurance"]]
    assert (report["call"], report["greeting"], report["resolved"]) == (watched.call["id"], True, True)
    assert any("did not understand" in line for line in report["to_review"]), report


async def test_compliance_record(watched: Watched) -> None:
    (line,) = watched.records.read_text().splitlines()
    record = json.loads(line)
    assert record["call_id"] == watched.call["id"]
    assert record["participants"] == {"from": "customer", "to": "7011"}
    rows = sorted(watched.rows, key=lambda row: str(row["tm_transcript"]))
    assert [entry.partition(": ")[2] for entry in record["full_transcript"]] == [row["message"] for row in rows]
    assert await check_records(watched.records) == 0
    watched.records.write_text(line + "\n" + json.dumps({**record, "previous": "0" * 64}) + "\n")
    assert await check_records(watched.records) == 1
    watched.records.write_text(line + "\n")


async def check_records(records: Path) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(str(EXAMPLES / "compliance_record.py"), "--check"),
        env={"RECORDS_FILE": str(records)},
        stderr=asyncio.subprocess.DEVNULL,
    )
    return await process.wait()


async def test_agent_assist(watched: Watched) -> None:
    printed = watched.printed["agent_assist"]
    assert "answer: Messages are saved to the folder Old; press 2 to change it." in printed
    assert any("supervisor" in line for line in printed)


async def test_call_summary(watched: Watched) -> None:
    (result,) = [json.loads(line) for line in watched.printed["call_summary"]]
    said = " ".join(row["message"] for row in watched.rows).lower()
    assert set(result) == {"call", "summary", "action_items", "topics"}
    assert any("phone number" in item for item in result["action_items"])
    assert "message" in result["topics"]
    assert 0 < len(result["summary"]) < len(said)


async def test_keyword_alert(watched: Watched) -> None:
    alerts = [json.loads(line) for line in watched.printed["keyword_alert"]]
    assert {alert["alert"] for alert in alerts} == {"urgent"}
    assert {alert["transcribe_id"] for alert in alerts} == {watched.transcribe["id"]}
    assert watched.supervisor_heard > 300, "the supervisor is rung once and told"


async def test_choose_language(house: Instance) -> None:
    async with open_program(EXAMPLES / "choose_language.py", **environment(house)) as program:
        await program.wait_until(lambda it: "listening" in it.complaints, "listening")
        english = await call_and_speak(house, program, "7012", words(NOBODY_AVAILABLE)[0])
        assert english["language"] == "en-US"
        rows = await transcripts_of(house, english["id"])
        assert errors_of(words(NOBODY_AVAILABLE)[1], " ".join(row["message"] for row in rows)) <= 0.3
        if not korean_files():
            pytest.skip(NO_KOREAN)
        path, text = min(korean_files(), key=lambda spoken: spoken[0].stat().st_size)
        korean = await call_and_speak(house, program, "7013", path)
        assert korean["language"] == "ko-KR"
        heard = " ".join(row["message"] for row in await transcripts_of(house, korean["id"]))
        assert any("가" <= letter <= "힣" for letter in heard), (text, heard)


async def call_and_speak(house: Instance, program: Program, number: str, wav: Path) -> dict[str, Any]:
    """Call a number, wait until the program has started a transcription, speak; the transcribe when it is done."""
    async with open_sip_peer(f"of-{number}") as peer:
        before = len(program.printed)
        call = await peer.call(house.sip_uri(number))
        await call.wait_answered()
        await program.wait_until(lambda it: len(it.printed) > before, "a transcription")
        call_id, _, outcome = program.printed[before].partition(" ")
        assert outcome.startswith("is transcribed in "), program.printed
        await call.say(wav)
        await call.hang_up()
        done = await wait_event(house, "transcribe_done", "reference_id", call_id)
    return dict(done)


async def test_the_tutorials_websocket_program(house: Instance) -> None:
    settings = environment(house, CALLSCRIBE_CUSTOMER_ID=house.customer_id)
    async with (
        open_program(EXAMPLES / "tutorial_websocket.py", **settings) as program,
        open_sip_peer("last") as peer,
    ):
        await program.wait_until(lambda it: bool(it.printed), "the subscription")
        assert program.printed == ["Subscribed to transcription events"]
        call = await peer.call(house.sip_uri("7011"))
        await call.wait_answered()
        await program.wait_until(lambda it: len(it.printed) > 1, "a transcript")
        await call.hang_up()
    assert program.printed[1].startswith("[out] ")
    assert "how may i help you" in program.printed[1].lower()
