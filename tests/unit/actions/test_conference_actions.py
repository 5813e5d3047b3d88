"""conference_join and confbridge_join: the pre-flow first, then the room, then the flow goes on."""

from dataclasses import replace

from app.domain.flow import Action
from app.domain.ids import new_id
from app.errors import LegGone, NotFound, StateInvalid
from app.flow.ports import PreFlow
from tests.unit.flow.doubles import CUSTOMER_ID, ScriptedCall, Stage, types

BEEP = {"type": "beep"}
CONFERENCE_ID = "8b3f0a6e-2f64-4d8e-9a77-3d1c5c0a7f11"
JOIN = {"type": "conference_join", "option": {"conference_id": CONFERENCE_ID}}


class ScriptedConferences:
    """One conference, joined at once and left at once."""

    def __init__(self, call: ScriptedCall, *before: Action, error: Exception | None = None) -> None:
        self._call = call
        self._pre_flow = PreFlow(before, new_id()) if before else PreFlow()
        self.error = error
        self.activeflow_ids: list[str] = []

    async def find_pre_flow(self, customer_id: str, conference_id: str) -> PreFlow:
        if (customer_id, conference_id) != (CUSTOMER_ID, CONFERENCE_ID):
            raise NotFound("conference", conference_id)
        return self._pre_flow

    async def join(self, call_id: str, conference_id: str, *, activeflow_id: str) -> object:
        assert call_id == self._call.record.id
        self._call.done.append(("join", conference_id))
        self.activeflow_ids.append(activeflow_id)
        if self.error is not None:
            raise self.error
        return None


def stage_with(*before: Action, error: Exception | None = None) -> tuple[Stage, ScriptedConferences]:
    stage = Stage()
    conferences = ScriptedConferences(stage.call, *before, error=error)
    stage.ports = replace(stage.ports, conferences=conferences)
    return stage, conferences


def beep() -> Action:
    return Action(id=new_id(), type="beep")


async def test_the_pre_flow_runs_first_and_the_flow_goes_on_after() -> None:
    stage, conferences = stage_with(beep(), beep())
    ended = await stage.run({"type": "answer"}, JOIN, BEEP)
    played = ("play", "tone:beep")
    assert stage.call.done == [("answer",), played, played, ("join", CONFERENCE_ID), played, ("hang_up", "normal")]
    assert types(ended) == ["answer", "conference_join", "beep", "beep", "confbridge_join", "beep"]
    assert conferences.activeflow_ids == [ended.id]


async def test_without_a_pre_flow_it_just_joins() -> None:
    stage, _ = stage_with()
    ended = await stage.run(JOIN)
    assert types(ended) == ["conference_join", "confbridge_join"]


async def test_a_goto_in_a_pre_flow_stays_in_it() -> None:
    first = beep()
    again = Action(id=new_id(), type="goto", option={"target_id": first.id, "loop_count": 1})
    stage, _ = stage_with(first, again)
    ended = await stage.run(JOIN)
    assert types(ended) == ["conference_join", "beep", "goto", "beep", "goto", "confbridge_join"]


async def test_a_conference_that_is_not_there_ends_the_flow() -> None:
    stage, _ = stage_with()
    ended = await stage.run({"type": "conference_join", "option": {"conference_id": new_id()}}, BEEP)
    assert types(ended) == ["conference_join"]
    assert stage.call.done == [("hang_up", "normal")]


async def test_a_room_that_is_closed_meanwhile_lets_the_flow_go_on() -> None:
    stage, _ = stage_with(error=StateInvalid("it has ended"))
    ended = await stage.run({"type": "confbridge_join", "option": {"confbridge_id": CONFERENCE_ID}}, BEEP)
    assert types(ended) == ["confbridge_join", "beep"]


async def test_a_party_that_hangs_up_in_the_room_ends_the_flow() -> None:
    stage, _ = stage_with(error=LegGone("hung up"))
    await stage.run(JOIN, BEEP)
    assert stage.call.done == [("join", CONFERENCE_ID)]


async def test_a_flow_that_runs_where_there_are_no_conferences() -> None:
    stage = Stage()
    ended = await stage.run(JOIN, BEEP)
    assert types(ended) == ["conference_join"]
