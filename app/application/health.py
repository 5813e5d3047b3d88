"""Whether a call would be answered and transcribed now."""

from app.api.ports import HealthReport
from app.application.telephony import Telephony
from app.call.live_calls import LiveCalls
from app.flow.library import FlowLibrary
from app.store.store import Store


class Health:
    """Asked by `GET /health`. The models were checked before this existed: the start fails otherwise."""

    def __init__(self, telephony: Telephony, store: Store, library: FlowLibrary, live_calls: LiveCalls) -> None:
        self._telephony = telephony
        self._store = store
        self._library = library
        self._live_calls = live_calls
        self.is_open = False
        """Whether the intake takes calls: set by the composition root."""

    @property
    def is_ready(self) -> bool:
        """Whether a call can be taken now, as far as can be told without asking anybody."""
        return self.is_open and self._telephony.fault is None

    async def report(self) -> HealthReport:
        """Look at every part; `missing` names what keeps calls from being answered and transcribed."""
        missing: dict[str, str] = {}
        if fault := self._telephony.fault:
            missing["asterisk"] = fault
        if not self.is_open or self._live_calls.is_refusing:
            missing["application"] = "starting or ending; no calls are taken now"
        if not self._library.flows:
            missing["flows"] = "no flow is in force, so no number is answered"
        if not await self._store.is_writable():
            missing["store"] = "the database cannot be written"
        parts = {"calls": len(self._live_calls), "flows": len(self._library.flows)}
        return HealthReport(missing=missing, parts=parts)
