"""Recognition steps back behind calls: its threads get less of a processor that others want at the same moment."""

import os
import threading
from contextlib import suppress
from typing import Final

NICENESS: Final = 5
"""A third of the weight of the event loop, the media thread and Asterisk where they compete; all of it where not."""


FAR_NICENESS: Final = 10
"""Of what is only done ahead of need: it gives way to threads that decode, too."""


def step_back(niceness: int = NICENESS) -> None:
    """Make the calling thread nicer by so much: on Linux niceness is each thread's own, and anybody may raise it.

    Where the system does not allow it the thread goes on as it was: calls are a little less prompt then.
    """
    thread_id = threading.get_native_id()
    with suppress(OSError, AttributeError):  # no such call, or not for threads
        os.setpriority(os.PRIO_PROCESS, thread_id, os.getpriority(os.PRIO_PROCESS, thread_id) + niceness)


def step_far_back() -> None:
    """Make the calling thread nicer by FAR_NICENESS."""
    step_back(FAR_NICENESS)
