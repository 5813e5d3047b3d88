import wave
from pathlib import Path

import numpy as np

from app.asterisk.hold_music import LEVEL, SAMPLE_RATE, make_hold_music, write_hold_music


def test_it_is_soft_never_silent_and_has_no_seam() -> None:
    music = make_hold_music().astype(float)
    assert len(music) == 24 * SAMPLE_RATE
    assert np.abs(music).max() == LEVEL
    seconds = music.reshape(-1, SAMPLE_RATE)
    assert np.sqrt((seconds**2).mean(axis=1)).min() > 200
    assert abs(music[0] - music[-1]) <= np.abs(np.diff(music)).max()


def test_it_is_written_once(tmp_path: Path) -> None:
    path = write_hold_music(tmp_path / "music")
    written = path.stat().st_mtime_ns
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, SAMPLE_RATE)
    assert write_hold_music(tmp_path / "music") == path
    assert path.stat().st_mtime_ns == written
    path.write_bytes(b"cut off")
    assert write_hold_music(tmp_path / "music").stat().st_size > 1000
