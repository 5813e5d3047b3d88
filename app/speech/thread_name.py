"""A thread's name as the system shows it (`top -H`, perf, /proc): Python 3.11 names its threads to itself only."""

import threading
from contextlib import suppress
from pathlib import Path


def show_name() -> None:
    """Give the calling thread its Python name, of which Linux keeps 15 bytes; threads that it makes inherit it.

    Where there is no /proc nothing happens: the name is for whoever looks.
    """
    with suppress(OSError):
        comm = Path(f"/proc/self/task/{threading.get_native_id()}/comm")
        comm.write_text(threading.current_thread().name[:15])
