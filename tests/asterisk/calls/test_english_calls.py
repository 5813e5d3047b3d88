"""English human speech over real calls: what the caller says and what the caller hears come out right, and apart."""

import asyncio
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from app.settings import read_settings
from app.speech.model_library import ModelLibrary
from benchmarks.scores import normalise, word_error_rate
from tests.asterisk.calls.conftest import LEAST_WORDS, PROMPT, Held, english_with_prompts
from tests.asterisk.calls.conversation import Conversation, hold_all
from tests.asterisk.calls.direct import decode_directly
from tests.asterisk.calls.instance import Instance

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def conversations(held: Held) -> list[Conversation]:
    return held.english


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def direct() -> dict[Path, str]:
    """What the engine makes of each file when it gets the file as it is."""
    model = ModelLibrary(read_settings().install_dir).resolve("en-US")
    return await asyncio.to_thread(decode_directly, model, [path for path, _ in english_with_prompts()])


def rates_of(conversations: list[Conversation], direct: dict[Path, str]) -> tuple[float, float]:
    """The word error rate over the calls, and that of the engine on the same files."""
    said = [(each, said) for each in conversations for said in each.script.said]
    references = [normalise(part.text) for _, part in said]
    over_calls = [normalise(" ".join(row["message"] for row in each.heard_of(part))) for each, part in said]
    alone = [normalise(direct[part.path]) for _, part in said]
    assert sum(len(text.split()) for text in references) >= LEAST_WORDS
    for (_, part), hypothesis in zip(said, over_calls, strict=True):
        print(f"{part.path.stem[-12:]}\n  said    {part.text}\n  call    {hypothesis}\n  engine  {direct[part.path]}")
    by_call, by_engine = word_error_rate(references, over_calls), word_error_rate(references, alone)
    print(f"word error rate over calls {by_call:.3f}, engine alone {by_engine:.3f}")
    return by_call, by_engine


async def test_word_error_rate_is_that_of_the_engine(
    running: Instance, conversations: list[Conversation], direct: dict[Path, str]
) -> None:
    by_call, by_engine = rates_of(conversations, direct)
    if by_call > by_engine + 0.02:
        # Three words are half a point: then twice as many decide.
        scripts = {f"again{number}": each.script for number, each in enumerate(conversations)}
        again = await hold_all(running, "7101", scripts)
        by_call, by_engine = rates_of([*conversations, *again], direct)
    assert by_call <= by_engine + 0.02


async def test_every_row_of_the_caller_is_something_that_was_said(conversations: list[Conversation]) -> None:
    for each in conversations:
        placed = {row["id"] for said in each.script.said for row in each.heard_of(said)}
        assert placed == {row["id"] for row in each.direction("in")}


async def test_the_prompt_comes_out_as_out_and_nothing_else_does(conversations: list[Conversation]) -> None:
    for each in conversations:
        heard = normalise(each.text("out"))
        assert word_error_rate([normalise(PROMPT)], [heard]) <= 0.25, heard
        assert heard.split()[0] == "this"
        assert heard.split()[-1] == "assurance"


async def test_first_and_last_words_survive(conversations: list[Conversation], direct: dict[Path, str]) -> None:
    for each in conversations:
        words = normalise(each.text("in")).split()
        first, last = each.script.said[0], each.script.said[-1]
        firsts = {normalise(text).split()[0] for text in (first.text, direct[first.path])}
        lasts = {normalise(text).split()[-1] for text in (last.text, direct[last.path])}
        assert words[0] in firsts, (first.text, direct[first.path], words[:4])
        assert words[-1] in lasts, (last.text, direct[last.path], words[-4:])


async def test_speech_times_are_true(conversations: list[Conversation]) -> None:
    """Within 300 ms; where a click or a breath comes before the speech, either counts as its beginning."""
    errors, distances = [], []
    for each in conversations:
        for said in each.script.said:
            heard = each.heard_of(said)
            assert heard, f"nothing was heard of {said.path.name}"
            moment = each.moment(heard[0])
            errors.append(moment - said.start)
            distances.append(max(0.0, said.earliest - moment, moment - said.start))
    print(f"speech times off by {min(errors):.3f} to {max(errors):.3f} s, median {statistics.median(errors):.3f} s")
    assert max(distances) <= 0.3, sorted(errors)
    assert abs(statistics.median(errors)) <= 0.1


async def test_after_the_hang_up_all_is_done(running: Instance, conversations: list[Conversation]) -> None:
    for each in conversations:
        assert each.transcribe["status"] == "done"
        assert each.call["status"] == "hangup"
        assert (each.call["hangup_by"], each.call["hangup_reason"]) == ("remote", "normal")
    residue = await running.residue()
    assert residue == {"channels": [], "bridges": [], "calls": 0, "transcribes": 0}


async def test_order_of_events(running: Instance, conversations: list[Conversation]) -> None:
    """transcribe_created, transcribe_progressing, transcripts, transcribe_done, call_hangup: in this order."""
    for each in conversations:
        own = {each.transcribe["id"], each.call["id"]}
        types = [
            event["type"]
            for event in running.events
            if event["data"]["id"] in own or event["data"].get("transcribe_id") in own
        ]
        with _explained(types):
            assert types[0] == "call_created"
            assert types.index("transcribe_created") + 1 == types.index("transcribe_progressing")
            transcripts = [index for index, type_ in enumerate(types) if type_ == "transcript_created"]
            assert types.index("transcribe_progressing") < min(transcripts)
            assert max(transcripts) < types.index("transcribe_done") < types.index("call_hangup")
            assert types[-1] == "call_hangup"


@contextmanager
def _explained(types: list[str]) -> Iterator[None]:
    try:
        yield
    except (AssertionError, ValueError) as error:
        raise AssertionError(f"order of events: {types}") from error
