"""An Asterisk that lives and answers nothing any more: the program ends in its time all the same."""

import asyncio
import os
import re
import signal
from contextlib import suppress

import psutil
import pytest

from tests.asterisk.calls.instance import open_instance
from tests.asterisk.calls.sip_peer import open_sip_peer

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio, pytest.mark.timeout(120)]

FLOWS = {
    "long": {
        "numbers": ["7590"],
        "language": "en-US",
        "actions": [
            {"type": "answer"},
            {"type": "transcribe_start"},
            {"type": "talk", "option": {"text": "Hello, hello."}},
            {"type": "sleep", "option": {"duration": 60_000}},
        ],
    }
}
END_SECONDS = 10
"""interface.md: SIGTERM ends everything within 10 s."""


async def test_the_end_does_not_wait_for_it() -> None:
    async with open_instance(FLOWS) as running, open_sip_peer("caller") as caller:
        calling = await caller.call(running.sip_uri("7590"))
        await calling.wait_answered()
        await asyncio.sleep(1)
        started = re.search(r"asterisk started.*pid=(\d+)", await running.log_text())
        assert started is not None
        asterisk = int(started.group(1))
        os.kill(asterisk, signal.SIGSTOP)
        try:
            running.process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(running.process.wait(), END_SECONDS) == 0
            assert not psutil.pid_exists(asterisk)
        finally:
            with suppress(ProcessLookupError):
                os.kill(asterisk, signal.SIGCONT)
