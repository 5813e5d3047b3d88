"""What is asked for when a transcribe begins, of a call, a conference or a recording, and the record that it makes."""

from dataclasses import dataclass

from app.domain.ids import ZERO_ID, new_id
from app.domain.language import parse_language
from app.domain.timestamps import now
from app.domain.transcribe import Direction, ReferenceType, Transcribe, TranscribeStatus
from app.errors import InvalidArgument
from app.speech.installed_model import InstalledModel
from app.speech.model_library import ModelLibrary


@dataclass(frozen=True, slots=True)
class Reference:
    """What is transcribed, and whose it is."""

    type: ReferenceType
    id: str
    customer_id: str


@dataclass(frozen=True, slots=True)
class TranscribeRequest:
    """What a flow or a client asks for; `language` in any case, checked by `resolve`."""

    language: str
    direction: Direction = Direction.BOTH
    provider: str = ""
    on_end_flow_id: str = ZERO_ID
    activeflow_id: str = ZERO_ID
    end_of_silence_ms: int | None = None

    def resolve(self, models: ModelLibrary) -> tuple[str, InstalledModel]:
        """Return the canonical tag of the language and what decodes it; InvalidArgument, LanguageNotInstalled."""
        try:
            language = parse_language(self.language).tag
        except ValueError as error:
            raise InvalidArgument("language", str(error)) from None
        return language, models.resolve(language)

    def make(self, reference: Reference, language: str, model: InstalledModel) -> Transcribe:
        """Return the record of a new transcribe, which is not stored yet."""
        moment = now()
        return Transcribe(
            id=new_id(),
            customer_id=reference.customer_id,
            reference_type=reference.type,
            reference_id=reference.id,
            status=TranscribeStatus.PROGRESSING,
            language=language,
            direction=self.direction,
            engine=model.engine,
            model=model.name,
            tm_create=moment,
            tm_update=moment,
            activeflow_id=self.activeflow_id,
            on_end_flow_id=self.on_end_flow_id,
            provider=self.provider,
        )
