"""Flows for the API and for calls: those of the flow folder, stored ones, and temporary ones of inline actions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from app.domain.flow import Action, Flow, StoredFlow
from app.domain.ids import new_id
from app.domain.timestamps import now
from app.flow.action_registry import ActionRegistry
from app.flow.api_actions import CheckedActions, inspect_actions
from app.flow.library import FlowLibrary
from app.flow.speech_facts import SpeechFacts
from app.journal.journal import Journal
from app.logs import get_log
from app.store.store import Store

log = get_log("flow")

TEMPORARY_LIFE = timedelta(hours=24)
"""How long a flow of inline actions can be looked at and run (contract 3.3)."""
PRUNE_SECONDS = 3600.0


class ApiFlows:
    """The flows of all customers. Those of the folder are the first customer's, whose id is `customer_id`."""

    def __init__(
        self,
        library: FlowLibrary,
        registry: ActionRegistry,
        store: Store,
        journal: Journal,
        customer_id: str,
        speech: SpeechFacts | None = None,
    ) -> None:
        self._library = library
        self._registry = registry
        self._store = store
        self._journal = journal
        self._customer_id = customer_id
        self._speech = speech

    def check(self, actions: object, place: str) -> tuple[Action, ...]:
        """Return `actions` (JSON) as checked actions with ids; InvalidArgument or InvalidActionType tells the fault."""
        return self.inspect(actions, place).actions

    def inspect(self, actions: object, place: str) -> CheckedActions:
        """Return what `check` returns, and the warnings, for who can tell them; they are logged in any case."""
        checked = inspect_actions(actions, place, self._registry, self._speech)
        for finding in checked.warnings:
            log.warning("flow is weak", path=finding.path, expected=finding.expected)
        return checked

    async def find(self, customer_id: str, flow_id: str) -> Flow | None:
        """Return a flow of this customer that can be run now."""
        if customer_id == self._customer_id and (flow := self._library.find_by_id(flow_id)) is not None:
            return flow
        stored = await self._store.flows.get(customer_id, flow_id)
        return None if stored is None or stored.tm_delete is not None else stored.flow

    def files(self, customer_id: str) -> Sequence[StoredFlow]:
        """Return the folder's flows as the API shows them, where they are this customer's."""
        if customer_id != self._customer_id:
            return ()
        return [self._shown(flow) for flow in self._library.flows]

    def name_of_file(self, flow_id: str) -> str | None:
        """Return the name of the file that the flow comes from, None for a stored one."""
        flow = self._library.find_by_id(flow_id)
        return None if flow is None else f"{flow.name_key}.json"

    def find_number(self, number: str) -> Flow | None:
        """Return the folder's flow that answers this very number ("*" is none)."""
        return self._library.find_exactly(number)

    async def store_temporary(self, customer_id: str, actions: Sequence[Action]) -> Flow:
        """Store the flow of a call's inline actions; it is there for 24 hours."""
        moment = now()
        flow = StoredFlow(new_id(), customer_id, "", tuple(actions), moment, moment, is_temporary=True)
        return (await self._journal.create(flow)).flow

    async def prune(self) -> int:
        """Delete the temporary flows whose time is over; how many they were."""
        return await self._store.flows.prune_temporary(now() - TEMPORARY_LIFE)

    async def run(self) -> None:
        """Prune now and every hour, for as long as it is not cancelled."""
        while True:
            try:
                if (pruned := await self.prune()) > 0:
                    log.info("temporary flows deleted", flows=pruned)
            except Exception:  # the next hour tries again; a flow that stays longer harms nobody
                log.exception("temporary flows could not be deleted")
            await asyncio.sleep(PRUNE_SECONDS)

    def _shown(self, flow: Flow) -> StoredFlow:
        times = self._library.times_of(flow.name_key)
        return StoredFlow(
            id=flow.id,
            customer_id=self._customer_id,
            name=flow.name,
            actions=flow.actions,
            tm_create=times.first,
            tm_update=times.last,
            detail=flow.detail,
            on_complete_flow_id=flow.on_complete_flow_id,
        )
