"""A telephone's keys as sound, and what became of a flow."""

from pathlib import Path
from typing import Any

import numpy as np

from app.cli.wav_file import write_wav
from app.domain.audio import SAMPLE_RATE
from app.flow.flow_ids import to_action_id, to_flow_id
from tests.asterisk.calls.instance import Instance

_LOW = (697, 770, 852, 941)
_HIGH = (1209, 1336, 1477, 1633)
_KEYS = ("123A", "456B", "789C", "*0#D")
"""ITU-T Q.23: each key is a tone of its row and one of its column."""


def pitches_of(key: str) -> tuple[int, int]:
    """The two tones of a key."""
    row = next(index for index, keys in enumerate(_KEYS) if key in keys)
    return _LOW[row], _HIGH[_KEYS[row].index(key)]


def write_keys(path: Path, keys: str, *, on_ms: int = 100, off_ms: int = 100) -> Path:
    """Write keys as tones in a WAV file."""
    at = np.arange(on_ms * SAMPLE_RATE // 1000) / SAMPLE_RATE
    pause = np.zeros(off_ms * SAMPLE_RATE // 1000)
    parts = [pause]
    for key in keys:
        low, high = (8000 * np.sin(2 * np.pi * pitch * at) for pitch in pitches_of(key))
        parts += [low + high, pause]
    write_wav(path, np.concatenate(parts).astype("<i2").tobytes())
    return path


def loudness(pcm: bytes, hertz: int, seconds: float = 0.1) -> float:
    """The greatest level (of 32767) of a pitch in any stretch of `seconds`."""
    samples = np.frombuffer(pcm, "<i2").astype(float)
    length = int(seconds * SAMPLE_RATE)
    turns = np.exp(-2j * np.pi * hertz * np.arange(length) / SAMPLE_RATE)
    starts = range(0, max(1, len(samples) - length), length // 2)
    return max((2 * abs((samples[start : start + length] * turns).mean()) for start in starts), default=0.0)


def call_id_of(running: Instance, user: str) -> str:
    """The id of the last call that came in from this user."""
    calls = [call for call in running.of_type("call_created") if call["direction"] == "incoming"]
    ids = [call["id"] for call in calls if call["source"]["target"] == user]
    assert ids, f"no call of {user}"
    return str(ids[-1])


async def ended_call(running: Instance, call_id: str, seconds: float = 20) -> dict[str, Any]:
    """The call as it is at its end."""

    def is_over(instance: Instance) -> bool:
        return any(call["id"] == call_id for call in instance.of_type("call_hangup"))

    await running.wait_for(is_over, seconds, "the end of the call")
    return dict(await running.get(f"/calls/{call_id}"))


async def places(running: Instance, call_id: str, flow: str, *names: str) -> list[str]:
    """The named actions of a flow file that a call has run, in their order."""
    activeflow_id = (await running.get(f"/calls/{call_id}"))["activeflow_id"]
    executed = (await running.get(f"/activeflows/{activeflow_id}"))["executed_actions"]
    name_of = {to_action_id(to_flow_id(flow), name): name for name in names}
    return [name_of[each["id"]] for each in executed if each["id"] in name_of]
