"""What was said, for flows: the transcripts of a call, a conference, a recording or one transcribe, in order."""

from collections.abc import Mapping, Sequence
from itertools import chain

from app.domain.transcribe import ReferenceType, Transcribe
from app.domain.transcript import Transcript
from app.errors import InvalidArgument, NotFound
from app.flow.reach import SpokenLine
from app.store.store import Store

_KINDS: Mapping[str, ReferenceType] = {
    "call": ReferenceType.CALL,
    "conference": ReferenceType.CONFBRIDGE,
    "confbridge": ReferenceType.CONFBRIDGE,
    "recording": ReferenceType.RECORDING,
}


class StoredLines:
    """Reads transcripts (SpokenLines)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list_lines(self, customer_id: str, reference_type: str, reference_id: str) -> Sequence[SpokenLine]:
        """Return what was said, in order; what two transcribes of one language heard alike counts once."""
        if reference_type == "transcribe":
            transcribe = await self._store.transcribes.get(customer_id, reference_id)
            if transcribe is None or transcribe.tm_delete is not None:
                raise NotFound("transcribe", reference_id)
            found: Sequence[Transcribe] = (transcribe,)
        elif (kind := _KINDS.get(reference_type)) is not None:
            found = await self._store.transcribes.list(customer_id, reference_type=kind, reference_id=reference_id)
        else:
            expected = "expected call, conference, confbridge, recording or transcribe"
            raise InvalidArgument("option.reference_type", expected)
        said = [await self._store.transcripts.list_of(each.id) for each in found]
        begun = {each.id: each.tm_create for each in found}
        lines: dict[tuple[str, str, int], SpokenLine] = {}
        for each in sorted(chain(*said), key=lambda it: begun[it.transcribe_id] + it.offset):
            second = round((begun[each.transcribe_id] + each.offset).timestamp())
            lines.setdefault((_speaker(each), each.message, second), SpokenLine(_speaker(each), each.message))
        return tuple(lines.values())


def _speaker(transcript: Transcript) -> str:
    name = transcript.speaker.name if transcript.speaker is not None else ""
    return name or transcript.direction.value
