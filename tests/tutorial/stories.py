"""What happens around the samples: calls that are made, words that are said, and the form of what is answered."""

import asyncio
import re
from typing import Any

from benchmarks.scores import normalise, word_error_rate
from tests.asterisk.calls.instance import Instance
from tests.asterisk.calls.sip_peer import PeerCall, SipPeer
from tests.speech_files import SpokenFile, prompt_file
from tests.tutorial.samples import Localizer

PROMPT = "This call is being transcribed for quality assurance"
UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}")
OFFSET = re.compile(r"0001-01-01 \d\d:\d\d:\d\d\.\d{6}")
NEVER = "9999-01-01 00:00:00.000000"
LOUD = 300.0
DONE_SECONDS = 30.0


def check_form(reply: Any, sample: Any, place: str = "reply") -> None:
    """Compare a reply with the tutorial's, field by field: what is in the sample is in the reply, in the same form.

    Words of the API (types, states, languages, directions, "never") are the same; ids, times and texts have their form.
    """
    if isinstance(sample, dict):
        assert set(sample) <= set(reply), f"{place}: {set(sample) - set(reply)} missing"
        for key, value in sample.items():
            check_form(reply[key], value, f"{place}.{key}")
        return
    if isinstance(sample, list):
        assert isinstance(reply, list), place
        for number, one in enumerate(reply):
            check_form(one, sample[0], f"{place}[{number}]")
        return
    assert type(reply) is type(sample), place
    name = place.rpartition(".")[2]
    if name == "id" or name.endswith("_id"):
        assert UUID.fullmatch(reply), f"{place}: {reply}"
    elif name == "tm_transcript":
        assert OFFSET.fullmatch(reply), f"{place}: {reply}"
    elif name.startswith("tm_") and sample != NEVER:
        assert TIMESTAMP.fullmatch(reply), f"{place}: {reply}"
        assert reply != NEVER, place
    elif name == "direction" and "transcript" not in place and "result" not in place and "data" not in place:
        assert reply == sample, place
    elif name == "direction":
        assert reply in {"in", "out"}, place
    elif name == "message":
        assert reply.strip(), place
    else:
        assert reply == sample, f"{place}: {reply}, expected {sample}"


def errors_of(said: str, heard: str) -> float:
    """The word error rate."""
    return word_error_rate([normalise(said)], [normalise(heard)])


def share_heard(said: str, heard: str) -> float:
    """The part of the words that was heard, for speech that was cut off or begun before anybody listened."""
    wanted, got = normalise(said).split(), set(normalise(heard).split())
    return sum(word in got for word in wanted) / len(wanted)


def text_of(rows: list[dict[str, Any]], direction: str) -> str:
    """What was said in one direction, in the order of time."""
    rows = sorted(rows, key=lambda row: int(row["offset_ms"]))
    return " ".join(row["message"] for row in rows if row["direction"] == direction)


async def wait_event(house: Instance, event_type: str, key: str, value: str, seconds: float = DONE_SECONDS) -> Any:
    """Wait until that event of that resource is told; its resource."""

    def found(instance: Instance) -> list[dict[str, Any]]:
        return [each for each in instance.of_type(event_type) if each.get(key) == value]

    await house.wait_for(found, seconds, f"{event_type} of {value}")
    return found(house)[-1]


async def speak_back(call: PeerCall, spoken: SpokenFile) -> None:
    """Speak as soon as something is heard, as people do, over what is being said."""
    await call.wait_answered()
    async with asyncio.timeout(30):
        while call.heard_level(0.3) < LOUD and not call.has("ended"):
            await asyncio.sleep(0.02)
    call.start_saying(spoken[0])


async def call_with_transcription(
    house: Instance, tutorial: Localizer, provider: SipPeer, spoken: SpokenFile
) -> dict[str, Any]:
    """Run the tutorial's first sample; the called party speaks. The transcribe, when it is done."""
    answer = await tutorial.run("01_create_call.sh")
    assert set(answer) == {"calls", "groupcalls"}
    (call,) = answer["calls"]
    assert (call["status"], call["direction"], call["customer_id"]) == ("dialing", "outgoing", house.customer_id)
    phone = await provider.wait_call()
    assert (phone.number, phone.caller) == ("+15559876543", "+15551234567")
    await speak_back(phone, spoken)
    transcribe = await wait_event(house, "transcribe_done", "reference_id", call["id"])
    ended = await wait_event(house, "call_hangup", "id", call["id"])
    assert (ended["hangup_by"], ended["hangup_reason"]) == ("local", "normal")
    return dict(transcribe)


async def transcripts_of(house: Instance, transcribe_id: str) -> list[dict[str, Any]]:
    """All transcripts of a transcribe."""
    return list((await house.get("/transcripts", transcribe_id=transcribe_id))["result"])


NOBODY_AVAILABLE = "vm-nobodyavail"
FIRST_IN_LINE = "queue-youarenext"


def words(name: str) -> SpokenFile:
    """Recorded human speech with what is said in it."""
    return prompt_file(name)
