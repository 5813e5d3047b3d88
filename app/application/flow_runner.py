"""Running flows: for a call, or without one; every step stored, then told; what follows a flow's end begins here."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from app.application.flow_ports import CallFlow
from app.call.live_call import LiveCall
from app.call.ports import OnCall
from app.domain.call import CallAction
from app.domain.events import EventType
from app.domain.flow import Activeflow, ActiveflowStatus, Flow
from app.domain.ids import ZERO_ID, new_id
from app.domain.timestamps import now
from app.errors import CallscribeError, LegGone
from app.flow.executor import Executor
from app.flow.variables import Variables
from app.journal.journal import Journal
from app.logs import get_log
from app.owned_tasks import OwnedTasks

log = get_log("flow")

MAX_CHAIN = 5
"""How many flows may follow one another by on_complete and on_end (contract 8), where no setting says otherwise."""
_KEPT_VARIABLES = 1000

FindFlow = Callable[[str, str], Awaitable[Flow | None]]
"""Gives a customer's flow by its id, None when there is none."""


@dataclass(frozen=True, slots=True)
class Execution:
    """What a flow is run for. `parent_id` is the activeflow that it follows; it inherits that one's variables."""

    customer_id: str
    reference_type: str
    reference_id: str
    supplied: Mapping[str, str] = field(default_factory=dict)
    system: Mapping[str, str] = field(default_factory=dict)
    parent_id: str = ZERO_ID
    complete_count: int = 0
    webhook_uri: str = ""
    webhook_method: str = ""
    activeflow_id: str = ""


@dataclass(slots=True)
class _Running:
    task: "asyncio.Task[Activeflow]"
    ended: asyncio.Event
    complete_count: int
    variables: Variables


class FlowRunner:
    """Runs flows and knows those that run."""

    def __init__(
        self, executor: Executor, journal: Journal, find_flow: FindFlow, *, max_chain: int = MAX_CHAIN
    ) -> None:
        self._executor = executor
        self._max_chain = max_chain
        self._journal = journal
        self._find_flow = find_flow
        self._running: dict[str, _Running] = {}
        self._variables: OrderedDict[str, tuple[int, Mapping[str, str]]] = OrderedDict()
        """Of each activeflow, newest last: its place in its chain, and its variables for flows that follow it."""
        self._tasks = OwnedTasks("the program is ending: no new flow is started")

    async def run(self) -> None:
        """Own the flows that run without a call until cancelled."""
        await self._tasks.run()

    def on_call(self, flow: Flow, supplied: Mapping[str, str] | None = None) -> OnCall:
        """Return what runs `flow` for a call: the flow as it is now, whatever is edited during the call."""

        async def run(call: LiveCall) -> None:
            execution = Execution(call.record.customer_id, "call", call.record.id, supplied or {})
            activeflow = await self._open(flow, execution)
            await call.ledger.note_flow(flow_id=flow.id, activeflow_id=activeflow.id)
            await self._run(activeflow, flow, execution, call)

        return run

    async def start(self, flow: Flow, execution: Execution) -> Activeflow:
        """Begin to run a flow without a call; returns its record when it is stored. Unavailable at the end."""
        self._tasks.require_open()
        activeflow = await self._open(flow, execution)
        self._tasks.start(self._run_alone(activeflow, flow, execution), name=f"flow {activeflow.id}")
        return activeflow

    async def follow(self, flow_id: str, execution: Execution) -> None:
        """Run what follows the end of something, where there is such a flow and the chain is not too long."""
        if flow_id == ZERO_ID:
            return
        parent = self._parent_of(execution.parent_id)
        count = parent[0] + 1 if parent else execution.complete_count
        if count > self._max_chain:
            log.warning("a following flow is not run: the chain is too long", flow_id=flow_id, limit=self._max_chain)
            return
        flow = await self._find_flow(execution.customer_id, flow_id)
        if flow is None:
            log.warning("a following flow is not there any more", flow_id=flow_id)
            return
        try:
            await self.start(flow, _with_count(execution, count))
        except CallscribeError as error:
            log.warning("a following flow could not be started", flow_id=flow_id, reason=error.message)

    async def stop(self, activeflow_id: str) -> bool:
        """End an execution: its call is hung up. False when it does not run."""
        running = self._running.get(activeflow_id)
        if running is None:
            return False
        running.task.cancel()
        await running.ended.wait()
        return True

    async def wait_idle(self) -> None:
        """Return when no flow runs any more."""
        while self._running:
            await asyncio.wait({running.task for running in self._running.values()})
            await asyncio.sleep(0)

    async def _open(self, flow: Flow, execution: Execution) -> Activeflow:
        moment = now()
        return await self._journal.create(
            Activeflow(
                id=execution.activeflow_id or new_id(),
                customer_id=execution.customer_id,
                flow_id=flow.id,
                status=ActiveflowStatus.RUNNING,
                reference_type=execution.reference_type,
                reference_id=execution.reference_id,
                tm_create=moment,
                tm_update=moment,
                reference_activeflow_id=execution.parent_id,
                on_complete_flow_id=flow.on_complete_flow_id,
                complete_count=execution.complete_count,
                webhook_uri=execution.webhook_uri,
                webhook_method=execution.webhook_method,
            ),
            EventType.ACTIVEFLOW_CREATED,
        )

    async def _run_alone(self, activeflow: Activeflow, flow: Flow, execution: Execution) -> None:
        try:
            await self._run(activeflow, flow, execution, None)
        except LegGone:
            pass
        except CallscribeError as error:
            log.error("the flow failed", activeflow_id=activeflow.id, code=error.code, reason=error.message)
        except Exception:
            # The isolation boundary of a flow without a call.
            log.exception("the flow failed", activeflow_id=activeflow.id)

    async def _run(self, activeflow: Activeflow, flow: Flow, execution: Execution, call: LiveCall | None) -> None:
        """Run to the end; a stop by `stop` is an end like any other, a cancel from outside passes."""
        variables = Variables()
        variables.set_system(execution.system)
        parent = self._parent_of(execution.parent_id)

        async def on_step(record: Activeflow) -> None:
            await self._journal.change(record, EventType.ACTIVEFLOW_UPDATED)
            if call is not None and (action := record.current_action) is not None:
                call.ledger.note_action(
                    CallAction(action.id, action.type, action.next_id, action.option, record.tm_update)
                )

        task = asyncio.ensure_future(
            self._executor.run(
                activeflow,
                flow,
                None if call is None else CallFlow(call),
                on_step=on_step,
                supplied=execution.supplied,
                inherited={**(parent[1] if parent else {}), **execution.system},
                variables=variables,
            )
        )
        running = _Running(task, asyncio.Event(), activeflow.complete_count, variables)
        self._running[activeflow.id] = running
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task})
            raise
        finally:
            del self._running[activeflow.id]
            self._remember(activeflow, variables)
            running.ended.set()
            self._follow_on_complete(activeflow, flow)
        if not task.cancelled():
            task.result()

    def _parent_of(self, activeflow_id: str) -> tuple[int, Mapping[str, str]] | None:
        """Return the place in its chain and the variables of an activeflow, which may go on still."""
        running = self._running.get(activeflow_id)
        if running is not None:
            return running.complete_count, running.variables.snapshot()
        return self._variables.get(activeflow_id)

    def _remember(self, activeflow: Activeflow, variables: Variables) -> None:
        self._variables[activeflow.id] = (activeflow.complete_count, variables.snapshot())
        if len(self._variables) > _KEPT_VARIABLES:
            self._variables.popitem(last=False)

    def _follow_on_complete(self, activeflow: Activeflow, flow: Flow) -> None:
        if flow.on_complete_flow_id == ZERO_ID or not self._tasks.is_open:
            return
        following = Execution(activeflow.customer_id, "activeflow", activeflow.id, parent_id=activeflow.id)
        self._tasks.start(self.follow(flow.on_complete_flow_id, following), name="on complete")


def _with_count(execution: Execution, count: int) -> Execution:
    return Execution(
        execution.customer_id,
        execution.reference_type,
        execution.reference_id,
        execution.supplied,
        execution.system,
        execution.parent_id,
        count,
    )
