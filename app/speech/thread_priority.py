"""Recognition steps back behind calls: its threads get less of a processor that others want at the same moment."""

import os
import threading
from contextlib import suppress
from typing import Final

NICENESS: Final = 5
"""A third of the weight of the event loop, the media thread and Asterisk where they compete; all of it where not."""


def step_back() -> None:
    """Make the calling thread nicer by NICENESS: on Linux niceness is each thread's own, and anybody may raise it.

    Where the system does not allow it the thread goes on as it was: calls are a little less prompt then.
    """
    thread_id = threading.get_native_id()
    with suppress(OSError, AttributeError):  # no such call, or not for threads
        os.setpriority(os.PRIO_PROCESS, thread_id, os.getpriority(os.PRIO_PROCESS, thread_id) + NICENESS)
