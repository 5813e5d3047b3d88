"""Which flow answers a dialled number, and running it for a live call: every step stored, then told."""

from app.application.flow_ports import CallFlow
from app.call.live_call import LiveCall
from app.call.ports import OnCall
from app.domain.call import CallAction
from app.domain.events import Event, EventType
from app.domain.flow import Activeflow, Flow
from app.event_bus import EventBus
from app.flow.activeflow import create_activeflow
from app.flow.executor import Executor
from app.flow.library import FlowLibrary
from app.store.store import Store


class FlowRunner:
    """Runs the library's flows for the calls that come in."""

    def __init__(self, library: FlowLibrary, executor: Executor, store: Store, bus: EventBus) -> None:
        self._library = library
        self._executor = executor
        self._store = store
        self._bus = bus

    def find_on_call(self, number: str) -> OnCall | None:
        """What runs a call to this number: the flow as it is now, whatever is edited during the call."""
        flow = self._library.find(number)
        if flow is None:
            return None
        found: Flow = flow

        async def run(call: LiveCall) -> None:
            await self._run(found, call)

        return run

    async def _run(self, flow: Flow, call: LiveCall) -> None:
        activeflow = create_activeflow(flow, call.record)
        await self._store.activeflows.insert(activeflow)
        self._bus.publish(Event(EventType.ACTIVEFLOW_CREATED, activeflow))
        await call.note_flow(flow_id=flow.id, activeflow_id=activeflow.id)

        async def on_step(record: Activeflow) -> None:
            await self._store.activeflows.update(record)
            self._bus.publish(Event(EventType.ACTIVEFLOW_UPDATED, record))
            if (action := record.current_action) is not None:
                call.note_action(CallAction(action.id, action.type, action.next_id, action.option, record.tm_update))

        await self._executor.run(activeflow, flow, CallFlow(call), on_step=on_step)
