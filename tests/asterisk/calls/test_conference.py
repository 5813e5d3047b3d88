"""Three people in a conference, on the real Asterisk: each one's words are its own, and nothing is left behind."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from app.cli.caller import Caller, CallPlan, open_caller
from app.settings import read_settings
from app.speech.model_library import ModelLibrary
from benchmarks.scores import normalise, word_error_rate
from tests.asterisk.calls.conversation import Script, wall_time, write_script
from tests.asterisk.calls.direct import decode_directly
from tests.asterisk.calls.instance import Instance, open_instance
from tests.asterisk.calls.test_early_ends import NOTHING, call_of, hang_up_after, wait_hangup
from tests.speech_files import english_files

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

ROOM = "5f0c1b1e-6a0c-4a43-9c0f-51d5a4b0f7a1"
OTHER_ROOM = "5f0c1b1e-6a0c-4a43-9c0f-51d5a4b0f7a2"
PAIR = "5f0c1b1e-6a0c-4a43-9c0f-51d5a4b0f7a3"

PEOPLE = ("ann", "ben", "cleo")
FILES_EACH = 5
TURN_SECONDS = 3.0
"""They begin one after the other and then talk over each other, as people do."""


def _room_flow(number: str, conference_id: str) -> dict[str, Any]:
    return {
        "name": f"room {number}",
        "numbers": [number],
        "language": "en-US",
        "actions": [
            {"type": "conference_join", "option": {"conference_id": conference_id}},
            {"type": "variable_set", "option": {"key": "after", "value": "the conference"}},
        ],
    }


FLOWS = {
    "room": _room_flow("7301", ROOM),
    "other-room": _room_flow("7302", OTHER_ROOM),
    "pair": _room_flow("7303", PAIR),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house() -> AsyncIterator[Instance]:
    async with open_instance(FLOWS) as instance:
        yield instance


async def make(house: Instance, conference_id: str, **fields: Any) -> dict[str, Any]:
    code, conference = await house.post("/conferences", {"id": conference_id, "name": "test", **fields})
    assert code == 200, conference
    assert (conference["id"], conference["status"]) == (conference_id, "progressing")
    return conference  # type: ignore[no-any-return]


async def remove(house: Instance, path: str) -> dict[str, Any]:
    async with house.session.delete(f"{house.api}{path}") as reply:
        body = await reply.json()
        assert reply.status == 200, body
        return body  # type: ignore[no-any-return]


def stays(house: Instance, conference_id: str, event_type: str) -> list[dict[str, Any]]:
    return [data for data in house.of_type(event_type) if data["conference_id"] == conference_id]


@dataclass(frozen=True)
class Meeting:
    """A meeting that was held: who said what, and what was written down."""

    scripts: dict[str, Script]
    calls: dict[str, dict[str, Any]]
    transcribe: dict[str, Any]
    rows: list[dict[str, Any]]
    began: dict[str, float]

    def rows_of(self, person: str) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["speaker"]["call_id"] == self.calls[person]["id"]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def meeting(house: Instance, tmp_path_factory: pytest.TempPathFactory) -> Meeting:
    """Ann hangs up after her last word, Ben is sent out, Cleo is there when the conference is deleted."""
    folder = tmp_path_factory.mktemp("meeting")
    files = english_files()
    scripts = {
        person: write_script(
            files[place * FILES_EACH : (place + 1) * FILES_EACH],
            folder / f"{person}.wav",
            lead_seconds=1.0 + place * TURN_SECONDS,
        )
        for place, person in enumerate(PEOPLE)
    }
    await make(house, ROOM)
    code, transcribe = await house.post(
        "/transcribes",
        {"reference_type": "confbridge", "reference_id": ROOM, "language": "en-US", "direction": "both"},
    )
    assert code == 200, transcribe
    code, again = await house.post(
        "/transcribes", {"reference_type": "conference", "reference_id": ROOM, "language": "en-us"}
    )
    assert (code, again["error"]["reason"]) == (409, "TRANSCRIBE_ALREADY_PROGRESSING")

    callers: dict[str, Caller] = {}

    async def attend(person: str) -> None:
        stay = 0.3 if person == "ann" else 120.0
        plan = CallPlan(house.sip_uri("7301"), say=scripts[person].wav, user=person, stay_seconds=stay)
        async with open_caller(plan) as caller:
            callers[person] = caller
            await caller.finish()

    attending = [asyncio.create_task(attend(person)) for person in PEOPLE]
    await house.wait_for(lambda it: len(stays(it, ROOM, "conferencecall_joined")) == 3, 30, "three members")
    ids = {call["id"] for person in PEOPLE if (call := call_of(house, person, "call_progressing"))}
    members = (await house.get(f"/conferences/{ROOM}"))["conferencecall_ids"]
    assert len(members) == len(ids) == 3

    longest = max(script.said[-1].end for script in scripts.values())
    await attending[0]

    def has_said(caller: Caller) -> bool:
        return any(event.name == "said" for event in caller.events)

    async with asyncio.timeout(longest + 30):
        while not all(has_said(callers[person]) for person in ("ben", "cleo")):
            await asyncio.sleep(0.1)
    # Half a second is what a person may take to hear the last word out.
    ben = call_of(house, "ben", "call_progressing")
    assert ben is not None
    stay = next(data for data in stays(house, ROOM, "conferencecall_joined") if data["reference_id"] == ben["id"])
    kicked = await remove(house, f"/conferencecalls/{stay['id']}")
    assert kicked["status"] == "leaved"
    await attending[1]
    deleted = await remove(house, f"/conferences/{ROOM}")
    assert deleted["status"] == "terminated"
    assert deleted["conferencecall_ids"] == []
    await attending[2]
    calls = {person: await wait_hangup(house, person) for person in PEOPLE}
    rows = (await house.get("/transcripts", transcribe_id=transcribe["id"]))["result"]
    rows.sort(key=lambda row: int(row["offset_ms"]))
    done = await house.get(f"/transcribes/{transcribe['id']}")
    began = {person: wall_time(callers[person].time_of("saying")).timestamp() for person in PEOPLE}
    return Meeting(scripts, calls, done, rows, began)


async def test_every_word_has_its_speaker(house: Instance, meeting: Meeting) -> None:
    model = ModelLibrary(read_settings().install_dir).resolve("en-US")
    paths = [said.path for script in meeting.scripts.values() for said in script.said]
    direct = await asyncio.to_thread(decode_directly, model, paths)
    members = {data["id"]: data for data in stays(house, ROOM, "conferencecall_leaved")}
    for row in meeting.rows:
        assert row["direction"] == "in"
        assert members[row["speaker"]["conferencecall_id"]]["reference_id"] == row["speaker"]["call_id"]
    truth, heard, alone = ([] for _ in range(3))
    for person in PEOPLE:
        rows, said = meeting.rows_of(person), meeting.scripts[person].said
        assert {row["speaker"]["name"] for row in rows} == {meeting.calls[person]["source"]["target"]}
        truth.append(" ".join(part.text for part in said))
        heard.append(" ".join(row["message"] for row in rows))
        alone.append(" ".join(direct[part.path] for part in said))
        own, engine = word_error_rate(truth[-1:], heard[-1:]), word_error_rate(truth[-1:], alone[-1:])
        degraded = sum(row["degraded"] for row in rows)
        print(f"{person}: word error rate {own:.3f}, engine alone {engine:.3f}, {degraded} rows degraded")
        print(f"  {truth[-1]}\n  {heard[-1]}")
        # The words of another one, or one's own twice, would be errors by the dozen.
        assert own <= engine + 0.15
    print(f"all: word error rate {word_error_rate(truth, heard):.3f}, engine alone {word_error_rate(truth, alone):.3f}")
    assert word_error_rate(truth, heard) <= word_error_rate(truth, alone) + 0.08
    assert sum(len(meeting.rows_of(person)) for person in PEOPLE) == len(meeting.rows)


async def test_nothing_is_written_down_twice(meeting: Meeting) -> None:
    for person in PEOPLE:
        spoken = sum(len(normalise(said.text).split()) for said in meeting.scripts[person].said)
        written = sum(len(normalise(row["message"]).split()) for row in meeting.rows_of(person))
        assert written <= spoken * 1.15
        spans = [(row["offset_ms"], row["offset_ms"] + row["duration_ms"]) for row in meeting.rows_of(person)]
        assert all(ends <= begins + 200 for (_, ends), (begins, _) in itertools.pairwise(spans))


async def test_events_are_in_order(house: Instance, meeting: Meeting) -> None:
    for call in meeting.calls.values():
        own = [
            event["type"]
            for event in house.events
            if event["data"]["id"] == call["id"] or event["data"].get("reference_id") == call["id"]
        ]
        wanted = [type_ for type_ in own if type_.startswith("conferencecall") or type_ == "call_hangup"]
        assert wanted == [
            "conferencecall_joining",
            "conferencecall_joined",
            "conferencecall_leaving",
            "conferencecall_leaved",
            "call_hangup",
        ]
    types = [
        event["type"]
        for event in house.events
        if event["data"]["id"] in {ROOM, meeting.transcribe["id"]}
        or event["data"].get("transcribe_id") == meeting.transcribe["id"]
    ]
    assert types[0] == "conference_created"
    assert types.index("transcribe_created") + 1 == types.index("transcribe_progressing")
    assert types.index("transcribe_progressing") < types.index("transcript_created")
    last = max(place for place, type_ in enumerate(types) if type_ == "transcript_created")
    assert last < types.index("transcribe_done") < types.index("conference_deleted")
    assert types[-1] == "conference_deleted"


async def test_how_each_of_them_left(house: Instance, meeting: Meeting) -> None:
    by = {person: call["hangup_by"] for person, call in meeting.calls.items()}
    assert by == {"ann": "remote", "ben": "local", "cleo": "local"}, "the flows of those who were sent out went on"
    for person in ("ben", "cleo"):
        flow = await house.get(f"/activeflows/{meeting.calls[person]['activeflow_id']}")
        done = [action["type"] for action in flow["executed_actions"]]
        assert done[-3:] == ["conference_join", "confbridge_join", "variable_set"]
    assert meeting.transcribe["status"] == "done"
    assert meeting.transcribe["direction"] == "both"


async def test_nothing_is_left(house: Instance, meeting: Meeting) -> None:
    assert meeting.rows
    assert await house.residue() == NOTHING
    async with house.session.get(f"{house.api}/conferences/{ROOM}") as reply:
        assert reply.status == 404


async def test_a_pair_is_over_when_one_hangs_up(house: Instance) -> None:
    await make(house, PAIR, type="connect")
    plans = {
        name: CallPlan(house.sip_uri("7303"), user=name, stay_seconds=60, max_seconds=60) for name in ("dan", "eve")
    }
    async with open_caller(plans["dan"]) as dan, open_caller(plans["eve"]) as eve:
        staying = asyncio.create_task(eve.finish())
        await house.wait_for(lambda it: len(stays(it, PAIR, "conferencecall_joined")) == 2, 20, "a pair")
        await hang_up_after(dan)
        await staying
    assert (await wait_hangup(house, "dan"))["hangup_by"] == "remote"
    assert (await wait_hangup(house, "eve"))["hangup_by"] == "local"

    def is_over(instance: Instance) -> bool:
        return any(
            data["id"] == PAIR and data["status"] == "terminated" for data in instance.of_type("conference_updated")
        )

    await house.wait_for(is_over, 5, "the end of the pair's conference")
    assert await house.residue() == NOTHING


async def test_hang_ups_at_any_moment_of_joining(house: Instance) -> None:
    await make(house, OTHER_ROOM)
    code, transcribe = await house.post(f"/conferences/{OTHER_ROOM}/transcribe_start", {"language": "en-US"})
    assert code == 200, transcribe
    assert transcribe["transcribe_id"] in transcribe["transcribe_ids"]
    for step in range(8):
        user = f"hasty{step}"
        async with open_caller(CallPlan(house.sip_uri("7302"), user=user, stay_seconds=step * 0.015)) as caller:
            await caller.finish()
        await wait_hangup(house, user)
    code, stopped = await house.post(f"/conferences/{OTHER_ROOM}/transcribe_stop")
    assert (code, stopped["transcribe_id"]) == (200, "00000000-0000-0000-0000-000000000000")
    assert stopped["conferencecall_ids"] == []
    joining, leaved = (stays(house, OTHER_ROOM, f"conferencecall_{word}") for word in ("joining", "leaved"))
    assert {data["id"] for data in joining} == {data["id"] for data in leaved}
    await remove(house, f"/conferences/{OTHER_ROOM}")
    assert await house.residue() == NOTHING
