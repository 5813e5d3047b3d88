"""The executor: runs one activeflow, action by action, until its end, a failure that ends it, or the hang-up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from pydantic import ValidationError
from structlog.contextvars import bound_contextvars

from app.domain.call import CallStatus
from app.domain.flow import Action, Activeflow, Flow
from app.errors import CallscribeError, InvalidArgument, LegGone, StateInvalid
from app.flow.action import ActionContext, ActionSpec, Jump, LegState, Next, OnFailure, Outcome, Push, Stop
from app.flow.action_registry import ActionRegistry
from app.flow.activeflow import Cursor, StackLimit, UnknownTarget, record_end, record_step
from app.flow.background import Background, open_background
from app.flow.finding import describe_errors
from app.flow.ports import CallControl, FlowPorts
from app.flow.variables import DIGITS, Variables, system_variables
from app.logs import get_log

log = get_log("flow")

OnStep = Callable[[Activeflow], Awaitable[None]]
"""Called with the record before every action and once at the end: store it, publish it."""

_ENDING = frozenset({CallStatus.TERMINATING, CallStatus.CANCELING, CallStatus.HANGUP})


@dataclass(frozen=True, slots=True)
class FlowLimits:
    """What ends a flow that would go on for ever (ADR 0020)."""

    actions_per_activeflow: int = 10_000
    steps_without_wait: int = 1000
    stacks: int = 100
    end_seconds: float = 5.0
    """How long the last `on_step` may take."""


class NeedNotMet(StateInvalid):
    """An action was reached in a state of the call in which it cannot run."""


@dataclass(slots=True)
class _Run:
    activeflow: Activeflow
    cursor: Cursor
    context: ActionContext
    on_step: OnStep
    actions: int = 0
    steps_without_wait: int = 0


class Executor:
    """Runs activeflows; one executor serves all calls."""

    def __init__(self, registry: ActionRegistry, ports: FlowPorts, *, limits: FlowLimits | None = None) -> None:
        self._registry = registry
        self._ports = ports
        self._limits = limits or FlowLimits()

    async def run(
        self,
        activeflow: Activeflow,
        flow: Flow,
        call: CallControl | None,
        *,
        on_step: OnStep,
        supplied: Mapping[str, str] | None = None,
        inherited: Mapping[str, str] | None = None,
        variables: Variables | None = None,
    ) -> Activeflow:
        """Run `flow` to its end, hang the call up with reason normal (or the flow's own), return the ended record.

        LegGone from the call is a normal end without a hang-up. The owner cancels this when the party hangs up:
        the current action is dropped, the record is ended through `on_step`, CancelledError passes, and the owner
        releases the call. An error of `on_step` or of the last hang-up passes too. `variables` is filled and used
        where it is given, for those who want to know what became of them.
        """
        system = system_variables(activeflow, call.record if call else None)
        async with open_background() as background:
            run = self._open_run(activeflow, flow, call, background, on_step, variables or Variables())
            run.context.variables.assign(inherited=inherited or {}, supplied=supplied or {}, system=system)
            with bound_contextvars(activeflow_id=activeflow.id):
                log.info("flow started", flow=flow.name_key)
                ending = "cancelled"
                try:
                    stop = await self._walk(run)
                    ending = "leg gone" if stop is None else "ended"
                finally:
                    run.activeflow = record_end(run.activeflow)
                    log.info("flow ended", flow=flow.name_key, how=ending, actions=run.actions)
                    await background.close()
                    await self._record_end(run)
                if stop is not None and call is not None:
                    await _hang_up(call, stop.reason)
        return run.activeflow

    def _open_run(
        self,
        activeflow: Activeflow,
        flow: Flow,
        call: CallControl | None,
        background: Background,
        on_step: OnStep,
        variables: Variables,
    ) -> _Run:
        cursor = Cursor(flow.actions, flow.id, max_stacks=self._limits.stacks)
        context = ActionContext(
            action=Action(id="", type=""),
            activeflow_id=activeflow.id,
            customer_id=activeflow.customer_id,
            flow_language=flow.language,
            ports=self._ports,
            variables=variables,
            background=background,
            live_call=call,
        )
        run = _Run(activeflow, cursor, context, on_step)
        run.context = replace(context, run_nested=partial(self._run_nested, run))
        return run

    async def _run_nested(self, run: _Run, actions: tuple[Action, ...], flow_id: str) -> Stop | None:
        """Run actions within the action at hand, which waits; the Stop that ends the flow, None at their end."""
        outer, run.cursor = run.cursor, Cursor(actions, flow_id, max_stacks=self._limits.stacks)
        try:
            outcome = await self._walk_to_end(run)
        finally:
            run.cursor = outer
        if outcome is None:
            raise LegGone("the party hung up")
        return outcome if isinstance(outcome, Stop) else None

    async def _walk(self, run: _Run) -> Stop | None:
        """Run actions until the end; None when the party is gone."""
        outcome = await self._walk_to_end(run)
        return Stop() if isinstance(outcome, Next) else outcome

    async def _walk_to_end(self, run: _Run) -> Stop | Next | None:
        """Run the actions of the cursor: Next when they are through, Stop where one ends the flow, None: LegGone."""
        while (action := run.cursor.current) is not None:
            if self._is_limit_reached(run):
                return Stop()
            run.actions += 1
            run.steps_without_wait += 1
            run.activeflow = record_step(run.activeflow, action)
            await run.on_step(run.activeflow)
            await asyncio.sleep(0)  # a flow that never waits lets the others have their turn
            try:
                outcome = await self._run_action(run, action)
            except LegGone:
                return None
            if isinstance(outcome, Stop):
                return outcome
            if not _move(run.cursor, action, outcome):
                return Stop()
        return Next()

    async def _run_action(self, run: _Run, action: Action) -> Outcome:
        """Run one action and turn its failure into what its type says about failures."""
        spec = self._registry.find(action.type)
        if spec is None:
            # The checker refuses such flows; actions that come from elsewhere at run time are skipped (contract 8).
            log.warning("unknown action skipped", action=action.type, action_id=action.id)
            return Next()
        if spec.needs is not None and run.context.live_call is None:
            log.warning("action skipped, this flow has no call", action=action.type, action_id=action.id)
            return Next()
        try:
            outcome = await _perform(run, spec, action)
        except LegGone:
            raise
        except CallscribeError as error:
            log.warning(
                "action failed",
                action=action.type,
                action_id=action.id,
                code=error.code,
                error=error.message,
                flow_then=spec.on_failure.value,
            )
            return Next() if spec.on_failure is OnFailure.NEXT else Stop()
        except Exception:
            log.exception("action broke, the flow ends", action=action.type, action_id=action.id)
            return Stop()
        finally:
            if spec.is_blocking:
                _show_digit(run.context)
        if spec.is_blocking:
            run.steps_without_wait = 0
        return outcome

    async def _record_end(self, run: _Run) -> None:
        """Give the ended record away; a store that hangs must not keep a cancelled flow."""
        try:
            async with asyncio.timeout(self._limits.end_seconds):
                await run.on_step(run.activeflow)
        except TimeoutError:
            log.error("end of the flow not recorded in time", limit_seconds=self._limits.end_seconds)

    def _is_limit_reached(self, run: _Run) -> bool:
        limits = self._limits
        if run.actions >= limits.actions_per_activeflow:
            log.warning("flow ended at its limit of actions", limit=limits.actions_per_activeflow)
            return True
        if run.steps_without_wait >= limits.steps_without_wait:
            log.warning("flow ended at its limit of actions without a wait", limit=limits.steps_without_wait)
            return True
        return False


async def _perform(run: _Run, spec: ActionSpec, action: Action) -> Outcome:
    call = run.context.live_call
    if spec.needs is LegState.ANSWERED and call is not None and not call.is_answered:
        if call.record.status in _ENDING:
            raise LegGone("the call is ending")
        raise NeedNotMet(f"{spec.name} needs an answered call and this one is not; put answer or talk before it")
    expanded = run.context.variables.expand(action.option)
    try:
        # Files have no unknown keys (checker.py); those of the API are kept and mean nothing, as with VoIPBIN.
        options = spec.options.model_validate(expanded, extra="ignore")
    except ValidationError as error:
        # Values can be what a caller said or pressed: only the place and what was expected are told.
        wrong = describe_errors(error.errors(), spec.options)[0]
        raise InvalidArgument(f"option{wrong.path}", f"expected {wrong.expected}") from None
    return await spec.run(replace(run.context, action=action, jumps=run.cursor.jumps), options)


def _show_digit(context: ActionContext) -> None:
    """Let the flow see the last digit that was pressed while it waited (contract 8.1).

    Not what comes between two actions: else a digit typed ahead could replace the answer that digits_receive has got
    before a branch reads it.
    """
    if context.live_call is not None and (digit := context.live_call.digits.show_last()):
        context.variables.set_system({DIGITS: digit})


def _move(cursor: Cursor, action: Action, outcome: Next | Jump | Push) -> bool:
    """Set the cursor to where the flow goes on; False when it cannot."""
    try:
        match outcome:
            case Next():
                cursor.advance()
            case Jump(target_id=target):
                cursor.jump(target)
            case Push(actions=actions, flow_id=flow_id):
                cursor.push(actions, flow_id)
    except (UnknownTarget, StackLimit) as error:
        log.warning("flow cannot go on", action=action.type, action_id=action.id, code=error.code, error=error.message)
        return False
    return True


async def _hang_up(call: CallControl, reason: str) -> None:
    try:
        await call.hang_up(reason)
    except LegGone:
        log.debug("call was gone before the flow hung it up")
