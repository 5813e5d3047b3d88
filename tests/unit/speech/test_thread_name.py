import threading
from pathlib import Path

import pytest

from app.speech.thread_name import show_name


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="there is no /proc")
def test_the_system_shows_fifteen_bytes_of_the_name() -> None:
    shown: list[str] = []

    def look() -> None:
        show_name()
        shown.append(Path(f"/proc/self/task/{threading.get_native_id()}/comm").read_text().strip())

    thread = threading.Thread(target=look, name="recognizer-loading_0")
    thread.start()
    thread.join()
    assert shown == ["recognizer-load"]
