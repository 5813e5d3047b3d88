"""Walks a flow without a telephone: the real executor and the real actions, a party that is played, virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from app.domain.call import Call
from app.domain.flow import Action, Activeflow, Flow
from app.domain.ids import ZERO_ID
from app.domain.timestamps import now
from app.domain.transcribe import Direction, ReferenceType, Transcribe
from app.flow.action_registry import ActionRegistry
from app.flow.activeflow import create_activeflow
from app.flow.executor import Executor, FlowLimits
from app.flow.nested_actions import with_language
from app.flow.ports import FlowPorts
from app.flow.script import Script
from app.flow.simulated_call import SimulatedCall, Tell
from app.flow.simulated_parties import SimulatedExternalMedia, SimulatedParties
from app.flow.simulated_reach import SimulatedReach, shorten
from app.flow.simulated_recordings import SimulatedRecordings, SimulatedRecordingTranscribes, make_transcribe
from app.flow.speech_facts import SpeechFacts
from app.flow.variables import Variables

_FOR_EVER_SECONDS: Final = 1e9
"""When nothing is due for so long (some thirty years) the flow waits for somebody to stop it."""
_INDENT: Final = " " * 12


class Ending(StrEnum):
    """How a simulation came to its end."""

    FLOW = "the flow has ended"
    PARTY = "the caller has hung up"
    TIME = "the call was ended at its longest time"
    WAITING = "the flow waits until somebody stops it"


@dataclass(frozen=True, slots=True)
class Simulated:
    """How a simulation ended. `changed` are the variables that the flow has set, with what they were at the end."""

    activeflow: Activeflow
    variables: Mapping[str, str]
    changed: Mapping[str, str]
    actions: int
    seconds: float
    ending: Ending


async def simulate(
    flow: Flow,
    registry: ActionRegistry,
    script: Script,
    *,
    tell: Tell,
    labels: Sequence[str] = (),
    speech: SpeechFacts | None = None,
    limits: FlowLimits | None = None,
) -> Simulated:
    """Run `flow` and tell what happens; to be run in a VirtualTimeLoop. `labels` are what its actions are called."""
    loop = asyncio.get_running_loop()
    variables = Variables()
    path = _Path(tell, variables)
    path.name_actions("", flow.actions, labels)
    call = SimulatedCall(
        customer_id=ZERO_ID,
        number=script.number or next(iter(flow.numbers), ""),
        caller=script.caller,
        digits=script.digits,
        said=script.said,
        tell=path.note,
    )
    reach = SimulatedReach(script, registry, call, path.note, lambda: path.current_type, path.name_actions)
    ports, errands = reach.open()
    recordings = SimulatedRecordings(call, script, path.note)
    studio = _Studio(call, path.note, speech)
    parties = SimulatedParties(_with_languages(script, path, registry), path.note)
    began = script.began or now()

    def clock() -> datetime:
        return began + timedelta(seconds=loop.time())

    executor = Executor(
        registry,
        FlowPorts(
            transcribes=studio,
            prompts=studio,
            calls=studio,
            connects=parties,
            recordings=recordings,
            conferences=parties,
            queues=parties,
            recording_transcribes=SimulatedRecordingTranscribes(call, speech, path.note),
            external_media=SimulatedExternalMedia(path.note),
            sounds=parties,
            placing=parties,
            answers=call,
            reach=ports,
            now=clock,
        ),
        limits=limits,
    )
    record = create_activeflow(flow, call.record)
    if not script.has_call:
        record = replace(record, reference_type="api", reference_id=ZERO_ID)
    running = asyncio.ensure_future(
        executor.run(
            record,
            flow,
            call if script.has_call else None,
            on_step=path.on_step,
            supplied=script.variables,
            inherited={} if script.has_call else script.variables,
            variables=variables,
        )
    )
    ending = await _wait_end(running, script)
    path.show_changes()
    if ending in {Ending.PARTY, Ending.TIME}:
        path.note(ending.value)
    await recordings.stop(call.record.id)  # as the end of a call does
    await errands.finish()
    return Simulated(
        path.record or record, variables.snapshot(), dict(path.changed), path.actions, path.seconds, ending
    )


def _with_languages(script: Script, path: _Path, registry: ActionRegistry) -> Script:
    """Return the script with flows that can be run in another one, their actions known to the path."""
    filled: dict[str, Flow] = {}
    for key, flow in (("wait_flow", script.wait_flow), ("pre_flow", script.pre_flow)):
        if flow is not None:
            filled[key] = with_language(flow, registry)
            path.name_actions(f"{flow.name_key} ", filled[key].actions)
    return replace(script, wait_flow=filled.get("wait_flow"), pre_flow=filled.get("pre_flow"))


async def _wait_end(running: asyncio.Task[Activeflow], script: Script) -> Ending:
    """Return when the flow has ended, or the call, which ends the flow."""
    ends = [(_FOR_EVER_SECONDS, Ending.WAITING)]
    if script.hangup_seconds is not None:
        ends.append((script.hangup_seconds, Ending.PARTY if script.has_call else Ending.WAITING))
    if script.most_seconds is not None and script.has_call:
        ends.append((script.most_seconds, Ending.TIME))
    seconds, ending = min(ends, key=lambda each: each[0])
    try:
        await asyncio.wait({running}, timeout=seconds)
        if running.done():
            running.result()
            return Ending.FLOW
        return ending
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait({running})


class _Path:
    """Tells the way of a flow: its steps, what happens in them, and what becomes of the variables."""

    def __init__(self, tell: Tell, variables: Variables) -> None:
        self.actions = 0
        self.seconds = 0.0
        self.current_type = ""
        self.record: Activeflow | None = None
        self.changed: dict[str, str] = {}
        self._tell = tell
        self._variables = variables
        self._shown: Mapping[str, str] | None = None
        self._places: dict[str, str] = {}

    def name_actions(self, prefix: str, actions: Sequence[Action], labels: Sequence[str] = ()) -> None:
        """Note what actions are called in the path."""
        for index, action in enumerate(actions):
            label = f" ({labels[index]})" if index < len(labels) and labels[index] else ""
            self._places.setdefault(action.id, f"{prefix}$.actions[{index}]{label}")

    def note(self, text: str) -> None:
        """Tell what happens in a step."""
        self._tell(f"{_INDENT}{text}")

    async def on_step(self, activeflow: Activeflow) -> None:
        """Tell every step, and what the one before has made of the variables."""
        self.show_changes()
        self.record = activeflow
        self.seconds = asyncio.get_running_loop().time()
        action = activeflow.current_action
        if action is not None:
            self.actions += 1
            self.current_type = action.type
            self._tell(f"{self.seconds:9.1f} s  {self._places.get(action.id, '(made by the flow)')} {action.type}")

    def show_changes(self) -> None:
        """Tell the variables that are not what they were when this was last asked."""
        after = self._variables.snapshot()
        if self._shown is not None:
            for name in sorted(self._shown.keys() | after.keys()):
                value = after.get(name, "")
                if value != self._shown.get(name, ""):
                    self.changed[name] = value
                    self.note(f"{name} = {shorten(value)}" if value else f"{name} is empty now")
        self._shown = after


class _Studio:
    """Prompts as they are written, transcribes that hear nothing, and no other calls."""

    def __init__(self, call: SimulatedCall, tell: Tell, speech: SpeechFacts | None) -> None:
        self._call = call
        self._tell = tell
        self._speech = speech

    async def prepare(self, text: str, language: str) -> str:
        """Return a text as it is."""
        return f"say:{text}"

    def beep(self) -> str:
        """Return a tone."""
        return "tone:beep"

    async def find_call(self, customer_id: str, call_id: str) -> Call | None:
        """Know no other call."""
        return self._call.record if call_id == self._call.record.id else None

    async def start(
        self,
        call_id: str,
        *,
        language: str,
        direction: Direction,
        provider: str,
        on_end_flow_id: str,
        activeflow_id: str,
        end_of_silence_ms: int | None,
    ) -> Transcribe:
        """Tell that a transcribe begins; LanguageNotInstalled as in earnest."""
        made = make_transcribe(ReferenceType.CALL, call_id, language, direction, self._speech)
        self._tell(f"the call is transcribed from now on: {language}, {direction.value}")
        return made

    async def stop(self, transcribe_id: str) -> object:
        """Tell that a transcribe ends."""
        self._tell("the call is no longer transcribed")
        return None
