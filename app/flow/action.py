"""What an action is: its options, what it needs, what it gets and how it tells where the flow goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from inspect import cleandoc
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from app.domain.flow import Action
from app.errors import CallscribeError, InvalidArgument
from app.flow.background import Background
from app.flow.ports import CallControl, FlowPorts
from app.flow.variables import Variables


class ActionOptions(BaseModel):
    """The options of an action type; a misspelt one is an error that names it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NoOptions(ActionOptions):
    """For actions without options."""


class LegState(StrEnum):
    """What an action needs of the call's leg; the executor checks it before the action runs."""

    ALIVE = "alive"
    ANSWERED = "answered"


class OnFailure(StrEnum):
    """What a flow does when an action fails (contract 8)."""

    NEXT = "goes on with the next action"
    END = "ends, and the call is hung up"


@dataclass(frozen=True, slots=True)
class Next:
    """Go on: with `next_id` where the action has one, else with the following action."""


@dataclass(frozen=True, slots=True)
class Jump:
    """Go on with the action `target_id` (UUID or name) of this stack or of one below it."""

    target_id: str


@dataclass(frozen=True, slots=True)
class Push:
    """Run `actions` first, then go on as Next would. `flow_id` is whose names the targets in them are."""

    actions: tuple[Action, ...]
    flow_id: str


@dataclass(frozen=True, slots=True)
class Stop:
    """End the activeflow; the call is hung up with `reason`."""

    reason: str = "normal"


Outcome = Next | Jump | Push | Stop


NEVER = "never"
"""As `fails` of an action: nothing that it does can fail."""


class ActionFailed(CallscribeError):
    """An action could not do what it says; the message says what and why."""

    code = "ACTION_FAILED"


RunNested = Callable[[tuple[Action, ...], str], Awaitable[Stop | None]]
"""Runs actions (and whose names they use) in this activeflow, within an action; what ends the flow, None = nothing."""


@dataclass(frozen=True, slots=True)
class ActionContext:
    """What one step of an activeflow may use. The mutable parts belong to the activeflow, `jumps` to the stack."""

    action: Action
    activeflow_id: str
    customer_id: str
    flow_language: str
    ports: FlowPorts
    variables: Variables
    background: Background
    live_call: CallControl | None
    jumps: Counter[str] = field(default_factory=Counter)
    """How often each goto of this stack has jumped, by action id."""
    transcribe_ids: list[str] = field(default_factory=list)
    """The transcribes that this activeflow started and has not stopped."""
    run_nested: RunNested | None = None
    """Runs other actions while the action at hand waits."""

    @property
    def call(self) -> CallControl:
        """The call; only actions that declare `needs` may ask for it, because the executor has checked it for them."""
        if self.live_call is None:
            raise ActionFailed(f"{self.action.type} needs a call and this flow runs without one")
        return self.live_call

    def language_or_default(self, language: str) -> str:
        """Return `language`, or the flow's where it is empty; InvalidArgument when neither is given."""
        if not (language or self.flow_language):
            raise InvalidArgument("language", "is empty; expected a language in the action or in the flow")
        return language or self.flow_language


OptionsT = TypeVar("OptionsT", bound=ActionOptions)
RunAction = Callable[[ActionContext, Any], Awaitable[Outcome]]
NameSetting = Callable[[Mapping[str, object]], str]
"""Gives the setting that an action with this raw option needs, "" for none."""


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action type: what runs and all that the executor, the checker and the docs know about it.

    `needs` None = runs in any flow, also without a call. `is_blocking` = the flow waits for it. `is_final` = the flow
    never goes on after it. `example` = a valid `option`. `needs_setting` = the setting without which it is refused.
    `fails` = when it fails at run time, for the docs: what follows "It fails when"; NEVER where it cannot.
    """

    name: str
    options: type[ActionOptions]
    run: RunAction
    needs: LegState | None
    on_failure: OnFailure
    is_blocking: bool
    is_final: bool
    example: Mapping[str, object]
    module: str
    needs_setting: NameSetting | str = ""
    fails: str = ""

    def setting_for(self, option: Mapping[str, object]) -> str:
        """Return the setting (`CALLSCRIBE_...`) without which an action with this raw option cannot do anything."""
        return self.needs_setting if isinstance(self.needs_setting, str) else self.needs_setting(option)

    @property
    def text(self) -> str:
        """The docstring: the first line says what the action does."""
        return cleandoc(self.run.__doc__ or "")


def action(
    type_name: str,
    *,
    options: type[OptionsT],
    needs: LegState | None,
    on_failure: OnFailure = OnFailure.NEXT,
    is_blocking: bool = False,
    is_final: bool = False,
    example: Mapping[str, object] | None = None,
    needs_setting: NameSetting | str = "",
    fails: str = "",
) -> Callable[[Callable[[ActionContext, OptionsT], Awaitable[Outcome]]], ActionSpec]:
    """Make the decorated coroutine function the action type `type_name`; the registry finds it by its module."""

    def make_spec(run: Callable[[ActionContext, OptionsT], Awaitable[Outcome]]) -> ActionSpec:
        return ActionSpec(
            name=type_name,
            options=options,
            run=run,
            needs=needs,
            on_failure=on_failure,
            is_blocking=is_blocking,
            is_final=is_final,
            example=example or {},
            module=run.__module__,
            needs_setting=needs_setting,
            fails=fails,
        )

    return make_spec
