"""Stand-ins for what flows stand on, and short ways to run a flow on them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import app.actions
from app.call.digits import Digits
from app.domain.call import (
    Address,
    Call,
    CallDirection,
    CallStatus,
    HangupReason,
    MuteDirection,
    PlayOutcome,
)
from app.domain.flow import Action, Activeflow, Flow
from app.domain.ids import ZERO_ID, new_id
from app.domain.timestamps import now
from app.domain.transcribe import Direction, ReferenceType, Transcribe, TranscribeStatus
from app.errors import LanguageNotInstalled, LegGone
from app.flow.action_registry import ActionRegistry, load_actions
from app.flow.activeflow import create_activeflow
from app.flow.checker import CheckedFlow, check_flow_file
from app.flow.executor import Executor, FlowLimits
from app.flow.ports import FlowPorts

REGISTRY: ActionRegistry = load_actions(app.actions)
CUSTOMER_ID = "5e4a0680-804e-11ec-8477-2fea5968d85b"


def make_call(**changes: Any) -> Call:
    moment = now()
    call = Call(
        id=new_id(),
        customer_id=CUSTOMER_ID,
        direction=CallDirection.INCOMING,
        status=CallStatus.RINGING,
        source=Address(target="alice", name="Alice"),
        destination=Address(target="7001"),
        tm_create=moment,
        tm_update=moment,
    )
    return replace(call, **changes)


class ScriptedCall:
    """A call that notes what is done with it; `gone_at` = the step (1 = first) at which the party is gone."""

    def __init__(
        self, *, plays: Sequence[PlayOutcome] = (), gone_at: int | None = None, error: Exception | None = None
    ):
        self.record = make_call()
        self.done: list[tuple[Any, ...]] = []
        self.plays = list(plays)
        self.gone_at = gone_at
        self.error = error
        self.digits = Digits()

    @property
    def is_answered(self) -> bool:
        return self.record.status is CallStatus.PROGRESSING

    async def answer(self) -> None:
        self._note("answer")
        self.record = replace(self.record, status=CallStatus.PROGRESSING)

    async def play(self, media: Sequence[str], *, is_stopped_by_digit: bool = False) -> PlayOutcome:
        self._note("play", *media, *(["until digit"] if is_stopped_by_digit else []))
        return self.plays.pop(0) if self.plays else PlayOutcome.DONE

    async def send_digits(self, digits: str, *, duration_ms: int, interval_ms: int) -> None:
        self._note("digits", digits, str(duration_ms), str(interval_ms))

    async def mute(self, direction: MuteDirection, *, is_on: bool) -> None:
        self._note("mute" if is_on else "unmute", direction.value)

    async def hang_up(self, reason: str) -> None:
        self._note("hang_up", reason)
        self.record = replace(self.record, status=CallStatus.TERMINATING)

    def _note(self, *what: str) -> None:
        self.done.append(what)
        if self.gone_at is not None and len(self.done) >= self.gone_at:
            raise LegGone("the party has hung up")
        if self.error is not None and what[0] != "hang_up":
            raise self.error


class ScriptedTranscribes:
    """Transcribes in English and Korean only."""

    def __init__(self) -> None:
        self.started: list[dict[str, Any]] = []
        self.stopped: list[str] = []

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
        if language not in {"en-US", "ko-KR"}:
            raise LanguageNotInstalled(language)
        moment = now()
        transcribe = Transcribe(
            id=new_id(),
            customer_id=CUSTOMER_ID,
            reference_type=ReferenceType.CALL,
            reference_id=call_id,
            status=TranscribeStatus.PROGRESSING,
            language=language,
            direction=direction,
            engine="vosk",
            model="m",
            tm_create=moment,
            tm_update=moment,
            activeflow_id=activeflow_id,
            on_end_flow_id=on_end_flow_id,
            provider=provider,
        )
        self.started.append({"record": transcribe, "end_of_silence_ms": end_of_silence_ms})
        return transcribe

    async def stop(self, transcribe_id: str) -> None:
        self.stopped.append(transcribe_id)


class ScriptedPrompts:
    """Prompts whose media names say what they are."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.gate: asyncio.Event | None = None

    async def prepare(self, text: str, language: str) -> str:
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return f"sound:http://app/{language}/{text}"

    def beep(self) -> str:
        return "tone:beep"


class KnownCalls:
    """Calls by id."""

    def __init__(self) -> None:
        self.calls: dict[str, Call] = {}

    async def find_call(self, customer_id: str, call_id: str) -> Call | None:
        call = self.calls.get(call_id)
        return call if call is not None and call.customer_id == customer_id else None

    def add_ended(self, reason: HangupReason) -> str:
        call = make_call(status=CallStatus.HANGUP, hangup_reason=reason)
        self.calls[call.id] = call
        return call.id


class Stage:
    """Everything a flow needs, and `run` which runs one on it."""

    def __init__(self, call: ScriptedCall | None = None, *, limits: FlowLimits | None = None) -> None:
        self.call = call or ScriptedCall()
        self.transcribes = ScriptedTranscribes()
        self.prompts = ScriptedPrompts()
        self.calls = KnownCalls()
        self.steps: list[Activeflow] = []
        self.ports = FlowPorts(self.transcribes, self.prompts, self.calls)
        self.limits = limits
        self.registry = REGISTRY

    async def on_step(self, activeflow: Activeflow) -> None:
        self.steps.append(activeflow)

    async def run(self, *actions: Mapping[str, Any], language: str = "en-US", **more: Any) -> Activeflow:
        """Run actions as a flow file has them; they pass the check first."""
        return await self.run_flow(build(*actions, language=language), **more)

    async def run_flow(self, flow: Flow, **more: Any) -> Activeflow:
        executor = Executor(self.registry, self.ports, limits=self.limits)
        activeflow = create_activeflow(flow, self.call.record)
        return await executor.run(activeflow, flow, self.call, on_step=self.on_step, **more)


def check(content: object, *, registry: ActionRegistry = REGISTRY) -> CheckedFlow:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return check_flow_file(raw, file="x.json", name_key="x", registry=registry)


def build(*actions: Mapping[str, Any], language: str = "en-US") -> Flow:
    checked = check({"language": language, "actions": list(actions)})
    assert checked.flow is not None, [str(each) for each in checked.findings]
    return checked.flow


def bare_flow(*actions: Action, language: str = "en-US") -> Flow:
    """A flow that no check has seen."""
    return Flow(id=new_id(), name_key="bare", name="bare", actions=actions, language=language)


def bare_action(type_name: str, next_id: str = ZERO_ID, **option: object) -> Action:
    return Action(id=new_id(), type=type_name, option=option, next_id=next_id)


def types(activeflow: Activeflow) -> list[str]:
    return [each.type for each in activeflow.executed_actions]
