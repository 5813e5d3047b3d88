"""Lost packets are remembered as spans of time: joined, bounded, and found by the utterance that they hit."""

from app.domain.audio import SILENT_FRAME, Frame
from app.transcribe.lost_sound import MOST_SPANS, NEAR_SECONDS, LostSound


def frames(*flags: int, start: float = 0.0) -> list[Frame]:
    return [Frame(SILENT_FRAME, start + place * 0.02, is_concealed=bool(flag)) for place, flag in enumerate(flags)]


def test_only_concealed_frames_count() -> None:
    lost = LostSound()
    lost.note_frames(frames(0, 0, 0, 0))
    assert not lost.touches(0.0, 1.0)
    lost.note_frames(frames(0, 1, 0, start=5.0))
    assert lost.touches(4.0, 5.03)
    assert lost.touches(5.03, 6.0)
    assert lost.touches(5.04 + NEAR_SECONDS / 2, 6.0)
    assert not lost.touches(5.05 + NEAR_SECONDS, 6.0)
    assert not lost.touches(3.0, 4.9 - NEAR_SECONDS)


def test_a_long_loss_is_one_span_and_many_are_bounded() -> None:
    lost = LostSound()
    lost.note_frames(frames(*[1] * 5000))
    assert len(lost._spans) == 1
    assert lost.touches(50.0, 50.01)
    for number in range(MOST_SPANS * 2):
        lost.note_frames(frames(1, start=200.0 + number))
    assert len(lost._spans) == MOST_SPANS
    assert not lost.touches(50.0, 50.01), "what is long past is forgotten"
    assert lost.touches(200.0 + MOST_SPANS * 2 - 1, 200.0 + MOST_SPANS * 2)
