"""What a simulated flow reaches outside: nothing is sent, all of it is told, and the script has the answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextvars import ContextVar, copy_context
from dataclasses import dataclass

from app.domain.call import Address
from app.domain.flow import Action, Flow
from app.errors import CallscribeError
from app.flow.action_registry import ActionRegistry
from app.flow.api_actions import check_actions
from app.flow.nested_actions import fill_languages, with_language
from app.flow.reach import AiMessage, HttpReply, Mail, Reach, SpokenLine
from app.flow.script import Outcomes, Script
from app.flow.simulated_call import SimulatedCall, Tell
from app.flow.simulated_parties import name_address
from app.logs import get_log

log = get_log("flow")

_REPLY_SECONDS = 0.2
_MOST_SHOWN = 300
_is_errand: ContextVar[bool] = ContextVar("is_errand", default=False)

NameActions = Callable[[str, Sequence[Action]], None]
"""Told of actions that came from elsewhere: what they are called, and the actions."""


def shorten(text: str) -> str:
    """Return a text as one line of at most some hundred characters."""
    line = text if text.isprintable() else json.dumps(text, ensure_ascii=False)
    return line if len(line) <= _MOST_SHOWN else f"{line[:_MOST_SHOWN]}... ({len(line)} characters)"


@dataclass(slots=True)
class SimulatedReach:
    """The outside of one simulation. `asking` tells the type of the action that runs now."""

    script: Script
    registry: ActionRegistry
    call: SimulatedCall
    tell: Tell
    asking: Callable[[], str]
    name_actions: NameActions

    def open(self) -> tuple[Reach, SimulatedErrands]:
        """Return the ports, and the errands, which are to be awaited at the end."""
        errands, outcomes = SimulatedErrands(), Outcomes()
        sending = _Sending(self, outcomes)
        mail, messages, crm = _Mails(self.tell), _Messages(self.tell), _Crm(self.tell)
        return Reach(sending, errands, _Flows(self), mail, messages, self, _Ai(self, outcomes), crm, self), errands

    async def list_lines(self, customer_id: str, reference_type: str, reference_id: str) -> Sequence[SpokenLine]:
        """Return what was said and heard in the simulated call (SpokenLines)."""
        return tuple(self.call.lines)

    async def follow(self, flow_id: str, customer_id: str, activeflow_id: str, variables: Mapping[str, str]) -> None:
        """Tell which flow would follow (FollowControl)."""
        self.tell(f"the flow {self.script.name_flow(flow_id)} would follow")


class SimulatedErrands:
    """Runs errands in the same virtual time (Errands)."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, errand: Coroutine[object, object, object], *, action_type: str) -> None:
        """Run it beside the flow."""
        context = copy_context()
        context.run(_is_errand.set, True)
        task = asyncio.get_running_loop().create_task(_run_errand(errand, action_type), context=context)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def finish(self) -> None:
        """Wait for the end of all."""
        await asyncio.gather(*self._running)


async def _run_errand(errand: Coroutine[object, object, object], action_type: str) -> None:
    try:
        await errand
    except CallscribeError as error:
        log.warning("errand failed", action=action_type, code=error.code, error=error.message)


class _Sending:
    def __init__(self, reach: SimulatedReach, outcomes: Outcomes) -> None:
        self._reach = reach
        self._outcomes = outcomes

    async def request(
        self, method: str, url: str, *, body: bytes = b"", content_type: str = "application/json"
    ) -> HttpReply:
        self._reach.tell(f"{method} {shorten(url)} {shorten(body.decode('utf-8', 'replace'))}")
        is_fetch = self._reach.asking() == "fetch" and not _is_errand.get()
        script = self._reach.script
        reply = self._outcomes.take("fetch" if is_fetch else "reply", script.fetched if is_fetch else script.replies)
        await asyncio.sleep(_REPLY_SECONDS)
        self._reach.tell(f"it answers 200 {shorten(reply.decode('utf-8', 'replace').strip())}")
        return HttpReply(200, reply)


class _Flows:
    def __init__(self, reach: SimulatedReach) -> None:
        self._reach = reach

    def check(self, actions: object, language: str) -> tuple[Action, ...]:
        registry = self._reach.registry
        if isinstance(actions, list) and all(isinstance(each, Mapping) for each in actions):
            actions = fill_languages(actions, language, registry)
        checked = check_actions(actions, "actions", registry)
        self._reach.name_actions("fetched ", checked)
        return checked

    async def find(self, customer_id: str, flow_id: str) -> Flow | None:
        flow = self._reach.script.find_flow(flow_id)
        if flow is None:
            return None
        filled = with_language(flow, self._reach.registry)
        self._reach.name_actions(f"{flow.name_key} ", filled.actions)
        return filled


class _Mails:
    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    async def send(self, mail: Mail) -> None:
        self._tell(f"a mail to {', '.join(mail.recipients)}: {shorten(mail.subject)} / {shorten(mail.content)}")


class _Messages:
    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    async def send(self, customer_id: str, source: Address, destination: Address, text: str) -> None:
        self._tell(f"a message to {name_address(destination)}: {shorten(text)}")


class _Ai:
    def __init__(self, reach: SimulatedReach, outcomes: Outcomes) -> None:
        self._reach = reach
        self._outcomes = outcomes

    async def complete(self, messages: Sequence[AiMessage]) -> str:
        self._reach.tell(f"the language model is asked: {shorten(messages[-1].content)}")
        await asyncio.sleep(_REPLY_SECONDS)
        answer = self._outcomes.take("ai", self._reach.script.ai_answers)
        self._reach.tell(f"it answers: {shorten(answer)}")
        return answer


class _Crm:
    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    async def send(self, event: Mapping[str, object]) -> object:
        self._tell(f"your own system is told: {shorten(json.dumps(dict(event), ensure_ascii=False))}")
        await asyncio.sleep(_REPLY_SECONDS)
        return {"id": "simulated"}
