"""Whether a call would be answered and transcribed now."""

from app.api.ports import HealthReport
from app.application.speech import languages_of
from app.application.telephony import Telephony
from app.call.live_calls import LiveCalls
from app.errors import InvalidArgument, LanguageNotInstalled
from app.flow.library import FlowLibrary
from app.speech.model_library import ModelLibrary
from app.store.store import Store


class Health:
    """Asked by `GET /health`."""

    def __init__(
        self, telephony: Telephony, store: Store, library: FlowLibrary, live_calls: LiveCalls, models: ModelLibrary
    ) -> None:
        self._telephony = telephony
        self._store = store
        self._library = library
        self.live_calls = live_calls
        self._models = models
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
        if not self.is_open or self.live_calls.is_refusing:
            missing["application"] = "starting or ending; no calls are taken now"
        if not await self._store.is_writable():
            missing["store"] = "the database cannot be written"
        elif not self._library.flows and not await self._store.numbers.has_any():
            missing["flows"] = "no flow is in force and there is no number, so no call is answered"
        languages = languages_of(self._library.flows)
        lacking = [language for language in languages if not self._has_model(language)]
        if lacking and len(lacking) == len(languages):
            missing["models"] = f"no speech model for {', '.join(lacking)}: callscribe models install {lacking[0]}"
        parts = {
            "calls": len(self.live_calls),
            "flows": len(self._library.flows),
            # One language without a model does not keep the calls of the others from being served.
            "languages_without_model": lacking,
        }
        return HealthReport(missing=missing, parts=parts)

    def _has_model(self, language: str) -> bool:
        try:
            self._models.resolve(language)
        except (LanguageNotInstalled, InvalidArgument):
            return False
        return True
