"""One execution of a flow as pure state: the record that the API shows, and the cursor over its stacks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from app.domain.call import Call
from app.domain.flow import Action, Activeflow, ActiveflowStatus, Flow
from app.domain.ids import ZERO_ID, new_id
from app.domain.timestamps import now
from app.errors import CallscribeError
from app.flow.flow_ids import NEXT_ID, to_action_id, to_api_action_id

MAX_SHOWN_ACTIONS = 100
"""How many executed actions the record keeps, the newest: it is written at every step."""


class StackLimit(CallscribeError):
    """A flow pushed more stacks than allowed."""

    code = "FLOW_LIMIT"


class UnknownTarget(CallscribeError):
    """A flow jumped to an action that is in none of its stacks."""

    code = "UNKNOWN_TARGET"


def create_activeflow(flow: Flow, call: Call, *, activeflow_id: str | None = None) -> Activeflow:
    """Return the record of a new execution of `flow` for `call`, before its first action."""
    moment = now()
    return Activeflow(
        id=activeflow_id or new_id(),
        customer_id=call.customer_id,
        flow_id=flow.id,
        status=ActiveflowStatus.RUNNING,
        reference_type="call",
        reference_id=call.id,
        tm_create=moment,
        tm_update=moment,
    )


def record_step(activeflow: Activeflow, action: Action) -> Activeflow:
    """Return the record with `action` as the current one; the one before is executed."""
    return replace(activeflow, current_action=action, executed_actions=_executed(activeflow), tm_update=now())


def record_end(activeflow: Activeflow) -> Activeflow:
    """Return the record of an activeflow that has ended."""
    return replace(
        activeflow,
        status=ActiveflowStatus.ENDED,
        current_action=None,
        executed_actions=_executed(activeflow),
        tm_update=now(),
    )


def _executed(activeflow: Activeflow) -> tuple[Action, ...]:
    if activeflow.current_action is None:
        return activeflow.executed_actions
    return (*activeflow.executed_actions, activeflow.current_action)[-MAX_SHOWN_ACTIONS:]


@dataclass(slots=True)
class Stack:
    """Actions that run in a row; `flow_id` is whose names they use, `jumps` counts the jumps of its gotos."""

    actions: tuple[Action, ...]
    flow_id: str
    index: int = 0
    jumps: Counter[str] = field(default_factory=Counter)

    def find(self, target: str) -> int | None:
        """Return the place of the action with this id or name."""
        wanted = (to_action_id(self.flow_id, target), to_api_action_id(target))
        return next((index for index, each in enumerate(self.actions) if each.id in wanted), None)


class Cursor:
    """Where an activeflow stands: a main stack and those that actions have pushed on it (contract 8, Next step)."""

    def __init__(self, actions: tuple[Action, ...], flow_id: str, *, max_stacks: int) -> None:
        self._stacks = [Stack(actions, flow_id)] if actions else []
        self._max_stacks = max_stacks

    @property
    def current(self) -> Action | None:
        """The action to run now, None at the end."""
        return self._stacks[-1].actions[self._stacks[-1].index] if self._stacks else None

    @property
    def jumps(self) -> Counter[str]:
        """The jump counts of the stack at hand."""
        return self._stacks[-1].jumps if self._stacks else Counter()

    def advance(self) -> None:
        """Go to the next action: `next_id`, else the following one; the end of a stack resumes the one below.

        A `next_id` that no stack has ends the flow.
        """
        while self._stacks:
            stack = self._stacks[-1]
            next_id = stack.actions[stack.index].next_id
            if next_id not in {ZERO_ID, NEXT_ID}:
                if not self._seek(next_id):
                    self._stacks.clear()
                return
            if stack.index + 1 < len(stack.actions):
                stack.index += 1
                return
            self._stacks.pop()

    def jump(self, target: str) -> None:
        """Go to the action `target` of the nearest stack that has it; UnknownTarget when none has."""
        if not self._seek(target):
            raise UnknownTarget("target_id: no action of this flow has this id; expected the id or name of one")

    def push(self, actions: tuple[Action, ...], flow_id: str) -> None:
        """Run `actions` before what follows the current action; StackLimit when there are too many stacks."""
        if not actions:
            self.advance()
            return
        if len(self._stacks) >= self._max_stacks:
            raise StackLimit(f"the flow has more than {self._max_stacks} stacks; expected fewer nested flows")
        self._stacks.append(Stack(actions, flow_id))

    def _seek(self, target: str) -> bool:
        for depth in range(len(self._stacks) - 1, -1, -1):
            index = self._stacks[depth].find(target)
            if index is not None:
                del self._stacks[depth + 1 :]
                self._stacks[depth].index = index
                return True
        return False
