"""Walks a flow without a telephone: the real executor and the real actions, a party that is played, virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from app.domain.call import Call
from app.domain.flow import Activeflow, Flow
from app.domain.ids import ZERO_ID, new_id
from app.domain.timestamps import now
from app.domain.transcribe import Direction, ReferenceType, Transcribe, TranscribeStatus
from app.errors import LanguageNotInstalled
from app.flow.action import ActionContext, ActionOptions, ActionSpec, LegState, Next, Outcome
from app.flow.action_registry import ActionRegistry
from app.flow.activeflow import create_activeflow
from app.flow.executor import Executor, FlowLimits
from app.flow.ports import FlowPorts
from app.flow.simulated_call import SimulatedCall, Tell
from app.flow.speech_facts import SpeechFacts
from app.flow.variables import Variables

PLAYED: Final = frozenset(
    {
        *("answer", "talk", "play", "beep", "sleep", "digits_receive", "digits_send", "speech_receive", "mute"),
        *("goto", "branch", "condition_variable", "condition_datetime", "condition_call_digits"),
        *("condition_call_status", "variable_set", "transcribe_start", "transcribe_stop", "hangup", "stop", "block"),
    }
)
"""The types whose own code runs in a simulation; all others are only told, and the flow goes on."""

_NOTED_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Script:
    """What the caller does, and what the call begins with."""

    digits: str = ""
    said: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    number: str = ""


@dataclass(frozen=True, slots=True)
class Simulated:
    """How a simulation ended."""

    activeflow: Activeflow
    variables: Mapping[str, str]
    actions: int
    seconds: float


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
    call = SimulatedCall(
        customer_id=ZERO_ID,
        number=script.number or next(iter(flow.numbers), ""),
        digits=script.digits,
        said=script.said,
        tell=lambda text: tell(f"            {text}"),
    )
    simulation = _Simulation(call, tell, flow, labels, speech)
    ports = FlowPorts(transcribes=simulation, prompts=simulation, calls=simulation, answers=call)
    executor = Executor(simulation.rewrite(registry), ports, limits=limits)
    variables = Variables()
    activeflow = await executor.run(
        create_activeflow(flow, call.record),
        flow,
        call,
        on_step=simulation.on_step,
        supplied=script.variables,
        variables=variables,
    )
    return Simulated(activeflow, variables.snapshot(), simulation.actions, loop.time())


class _Simulation:
    """What the flow stands on."""

    def __init__(
        self, call: SimulatedCall, tell: Tell, flow: Flow, labels: Sequence[str], speech: SpeechFacts | None
    ) -> None:
        self.actions = 0
        self._call = call
        self._tell = tell
        self._speech = speech
        self._places = {
            action.id: f"$.actions[{index}]{f' ({labels[index]})' if index < len(labels) and labels[index] else ''}"
            for index, action in enumerate(flow.actions)
        }

    def rewrite(self, registry: ActionRegistry) -> ActionRegistry:
        """Return the registry with types that cannot be played replaced by telling of them."""
        return ActionRegistry(spec if spec.name in PLAYED else self._note(spec) for spec in registry)

    def _note(self, spec: ActionSpec) -> ActionSpec:
        async def note(context: ActionContext, options: ActionOptions) -> Outcome:
            self._tell(f"            {spec.name} is not played here, the flow goes on")
            if spec.is_blocking:
                await asyncio.sleep(_NOTED_SECONDS)
            return Next()

        return replace(spec, run=note, needs=spec.needs and LegState.ALIVE)

    async def on_step(self, activeflow: Activeflow) -> None:
        """Tell every step."""
        action = activeflow.current_action
        if action is not None:
            self.actions += 1
            seconds = asyncio.get_running_loop().time()
            self._tell(f"{seconds:9.1f} s  {self._places.get(action.id, action.id)} {action.type}")

    async def prepare(self, text: str, language: str) -> str:
        """Return a text as it is."""
        return f"say:{text}"

    def beep(self) -> str:
        """Return a tone."""
        return "tone:beep"

    async def find_call(self, customer_id: str, call_id: str) -> Call | None:
        """Know no other call."""
        return None

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
        if self._speech is not None and self._speech.explain_missing(language):
            raise LanguageNotInstalled(language)
        self._tell(f"            the call is transcribed from now on: {language}, {direction.value}")
        moment = now()
        return Transcribe(
            id=new_id(),
            customer_id=ZERO_ID,
            reference_type=ReferenceType.CALL,
            reference_id=call_id,
            status=TranscribeStatus.PROGRESSING,
            language=language,
            direction=direction,
            engine="",
            model="",
            tm_create=moment,
            tm_update=moment,
            activeflow_id=activeflow_id,
            on_end_flow_id=on_end_flow_id,
            provider=provider,
        )

    async def stop(self, transcribe_id: str) -> object:
        """Tell that a transcribe ends."""
        self._tell("            the call is no longer transcribed")
        return None
