"""Korean human speech over a real call, decoded by Vosk: character error rate, word times, first and last words."""

import asyncio

import pytest

from app.settings import read_settings
from app.speech.model_library import ModelLibrary
from benchmarks.scores import character_error_rate
from tests.asterisk.calls.conftest import Held
from tests.asterisk.calls.direct import decode_directly
from tests.asterisk.calls.instance import Instance
from tests.speech_files import NO_KOREAN, korean_files

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(300),
    pytest.mark.skipif(not korean_files(), reason=NO_KOREAN),
]


async def test_korean_speech_on_vosk(running: Instance, held: Held) -> None:
    conversations = held.korean
    model = ModelLibrary(read_settings().install_dir).resolve("ko-KR")
    direct = await asyncio.to_thread(decode_directly, model, [path for path, _ in korean_files()])

    said = [(each, part) for each in conversations for part in each.script.said]
    references = [part.text for _, part in said]
    over_calls = [" ".join(row["message"] for row in each.heard_of(part)) for each, part in said]
    by_call = character_error_rate(references, over_calls)
    by_engine = character_error_rate(references, [direct[part.path] for _, part in said])
    print(f"character error rate over calls {by_call:.3f}, engine alone {by_engine:.3f}")
    assert by_call <= by_engine + 0.02

    for each in conversations:
        assert each.transcribe["engine"] == "vosk"
        assert each.transcribe["status"] == "done"
        assert each.direction("out") == []
        for part in each.script.said:
            rows = each.heard_of(part)
            # The engine errs too often for words to be compared one by one: the first and the last are there by time.
            assert abs(each.moment(rows[0]) - part.start) <= 0.3
            last_word_end = each.moment(rows[-1]) + rows[-1]["duration_ms"] / 1000
            assert abs(last_word_end - part.end) <= 0.5
            for row in rows:
                words = row["words"]
                assert " ".join(word["word"] for word in words) == row["message"]
                assert words[0]["start_ms"] == row["offset_ms"]
                assert all(0 <= word["confidence"] <= 1 for word in words)
                assert all(word["start_ms"] <= word["end_ms"] for word in words)
    assert await running.residue() == {"channels": [], "bridges": [], "calls": 0, "transcribes": 0}
