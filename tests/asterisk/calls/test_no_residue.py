"""Many calls, one after the other and at once, leave nothing behind: channel, bridge, port, task, thread, memory."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.asterisk.calls.conversation import Script, hold, hold_all, write_script
from tests.asterisk.calls.instance import Instance
from tests.speech_files import librivox_files, prompt_files, read_samples

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

NOTHING = {"channels": [], "bridges": [], "calls": 0, "transcribes": 0}
MOST_GROWTH_BYTES = 40 * 2**20
# The store opens up to three more readers (app/store/connections.py) when reads happen to meet: a thread and the
# files of a connection each, once in the life of the process. What calls leave behind is one of each per call.
MORE_READERS = 3
FILES_OF_A_READER = 2


@dataclass(frozen=True)
class Footprint:
    """What the app's process and Asterisk's hold now."""

    threads: int
    files: int
    tasks: float
    udp_ports: int
    memory: int


async def footprint(running: Instance) -> Footprint:
    processes = [running.ps, *running.ps.children(recursive=True)]
    ports = sum(
        connection.laddr.port in range(running.rtp_ports[0], running.rtp_ports[1] + 1)
        for process in processes
        for connection in process.net_connections("udp")
    )
    return Footprint(
        running.ps.num_threads(),
        running.ps.num_fds(),
        await running.metric("callscribe_tasks"),
        ports,
        running.ps.memory_info().rss,
    )


async def settled(running: Instance, before: Footprint) -> Footprint:
    """The footprint once everything that a call opened had its 5 seconds to close."""
    for _ in range(50):
        now = await footprint(running)
        if (now.udp_ports, now.tasks) <= (before.udp_ports, before.tasks) and now.files <= before.files:
            return now
        await asyncio.sleep(0.1)
    return now


def short_script(path: Path) -> Script:
    """One short prompt, spoken by a human: about a second."""
    shortest = min(prompt_files(shortest=12, most=400), key=lambda spoken: abs(len(read_samples(spoken[0])) - 18_000))
    return write_script([shortest], path, lead_seconds=0.1)


async def test_twenty_calls_one_after_the_other(running: Instance, tmp_path: Path) -> None:
    script = short_script(tmp_path / "say.wav")
    for number in range(4):  # the pool of recognizers and the caches reach their size
        await hold(running, "7101", script, f"warm{number}")
    before = await settled(running, await footprint(running))
    for number in range(20):
        conversation = await hold(running, "7101", script, f"single{number}", stay_seconds=0.1)
        assert conversation.direction("in"), f"call {number} was not transcribed"
        assert await running.residue() == NOTHING
    after = await settled(running, before)
    assert after.udp_ports == before.udp_ports
    assert after.threads <= before.threads + MORE_READERS
    assert after.files <= before.files + MORE_READERS * FILES_OF_A_READER
    assert after.tasks <= before.tasks
    assert after.memory <= before.memory + MOST_GROWTH_BYTES, (before.memory, after.memory)


async def test_eight_calls_at_once(running: Instance, tmp_path: Path) -> None:
    script = write_script(librivox_files()[:2], tmp_path / "say.wav")
    await hold_all(running, "7101", {f"warm-at-once{n}": script for n in range(8)})
    before = await settled(running, await footprint(running))
    conversations = await hold_all(running, "7101", {f"at-once{n}": script for n in range(8)})
    for each in conversations:
        assert all(each.heard_of(said) for said in each.script.said)
    assert await running.residue() == NOTHING
    after = await settled(running, before)
    assert after.udp_ports == before.udp_ports
    assert after.threads <= before.threads + MORE_READERS
    assert after.files <= before.files + MORE_READERS * FILES_OF_A_READER
    assert after.tasks <= before.tasks
    assert after.memory <= before.memory + MOST_GROWTH_BYTES, (before.memory, after.memory)
