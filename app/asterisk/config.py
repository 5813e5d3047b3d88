"""Render Asterisk's configuration for one instance from the templates in asterisk-config/."""

import os
import re
import socket
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, fields
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from app.asterisk.hold_music import write_hold_music
from app.asterisk.root import find_library_dir
from app.errors import InvalidArgument

TEMPLATES: Final = Path(__file__).resolve().parents[2] / "asterisk-config"
PAIRS_PER_CALL: Final = 3
"""Port pairs of a tapped call: of its own leg and of the external media of each direction (pitfalls 3)."""

MUSIC_FOLDER: Final = "music"
"""Where the music on hold lies, in the state folder."""

SPARE_PAIRS: Final = 1
"""A call that is refused has its pair for a moment."""

_EMPTY_FILES: Final = (
    *("acl", "ccss", "cli", "cli_permissions", "codecs", "dnsmgr", "dsp", "features"),
    *("pjproject", "res_http_media_cache", "stasis", "udptl", "websocket_client"),
)
"""Files that Asterisk looks for at every start: empty they mean its defaults, missing they mean warnings."""

_LOG_LEVELS: Final[Mapping[str, str]] = {
    "error": "error",
    "warning": "warning,error",
    "notice": "notice,warning,error",
    "verbose": "verbose,notice,warning,error",
    "debug": "debug,verbose,notice,warning,error",
}
_MARK: Final = re.compile(r"@\{([a-z0-9_]+)\}")
"""Marks in the templates are @{name}: the dialplan needs ${...} for itself."""

INSTANCE_PATH_BYTES: Final = 200
"""Asterisk opens config files only when their whole path has at most 255 bytes (measured)."""

_WORD: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_BAD_IN_PATHS: Final = re.compile(r"[:;$%\\<>\[\]|`\x00-\x1f]")


@dataclass(frozen=True, slots=True)
class AsteriskConfig:
    """What differs from one Asterisk to another; checked when it is made (InvalidArgument names the field).

    `instance_dir` is the state folder of this Asterisk (etc, lib, music, spool, cache, log, run lie in it), `root` the
    installed root file system. `rtp_ports` are first and last, inclusive; `run_dir` stands in for
    `instance_dir/run` where that would be too long for a socket's path, `module_dir` for the one in `root` (that of a
    container cannot be looked into from outside). `max_calls` None: as many as have RTP ports.
    `ari_port` 0 and `ari_password` "" stand for ones that `open_asterisk` chooses; rendering needs real ones.
    `log_level` is error, warning, notice, verbose or debug; from notice on the log holds numbers and names.
    """

    instance_dir: Path
    root: Path
    sip_host: str
    sip_port: int
    rtp_ports: tuple[int, int]
    application: str
    ari_port: int = 0
    ari_user: str = "callscribe"
    ari_password: str = ""
    ari_host: str = "127.0.0.1"
    media_address: str | None = None
    run_dir: Path | None = None
    module_dir: Path | None = None
    max_calls: int | None = None
    log_level: str = "warning"

    def __post_init__(self) -> None:
        for name in ("ari_user", "ari_password", "application"):
            is_open = name == "ari_password" and not self.ari_password
            if not is_open and not _WORD.fullmatch(getattr(self, name)):
                raise InvalidArgument(name, "expected 1 to 64 letters, digits, - or _ (it stands in Asterisk's config)")
        for name in ("instance_dir", "root", "run_dir", "module_dir"):
            _check_path(name, getattr(self, name))
        if len(os.fsencode(self.instance_dir)) > INSTANCE_PATH_BYTES:
            raise InvalidArgument(
                "instance_dir",
                f"{str(self.instance_dir)!r} is too long for Asterisk; expected at most {INSTANCE_PATH_BYTES} bytes, "
                "set CALLSCRIBE_HOME to a folder with a shorter path",
            )
        for name in ("sip_host", "ari_host", "media_address"):
            _check_address(name, getattr(self, name))
        for name, lowest in (("sip_port", 1), ("ari_port", 0)):
            if not lowest <= getattr(self, name) <= 65535:
                raise InvalidArgument(name, f"{getattr(self, name)} is not a port; expected {lowest} to 65535")
        if self.log_level not in _LOG_LEVELS:
            raise InvalidArgument(
                "log_level", f"{self.log_level!r} is unknown; expected one of {', '.join(_LOG_LEVELS)}"
            )
        first, last = self.rtp_ports
        if not 1024 <= first < last <= 65535 or self.rtp_pairs < 1:
            raise InvalidArgument("rtp_ports", f"{first}-{last} holds no pair of ports between 1024 and 65535")

    @property
    def rtp_pairs(self) -> int:
        """How many RTP streams have ports: an even port for RTP and the odd one after it for RTCP."""
        first, last = _whole_pairs(self.rtp_ports)
        return (last - first + 1) // 2

    @property
    def call_limit(self) -> int:
        """How many calls at once have the ports that they need.

        Asterisk lets one more in, so that the app can refuse it and say why in its log; further ones get 503 at once.
        Without a limit Asterisk lets calls in until they find no port, and answers 488 (measured).
        """
        return self.max_calls or max(1, (self.rtp_pairs - SPARE_PAIRS) // PAIRS_PER_CALL)

    @property
    def run_path(self) -> Path:
        """Where Asterisk's control socket lies."""
        return self.run_dir or self.instance_dir / "run"


def render_config(settings: AsteriskConfig, target_dir: Path) -> None:
    """Write all config files into `target_dir`, each readable by its owner only (ari.conf holds the password).

    The music on hold that they name is written into the state folder.
    """
    if not settings.ari_port or not settings.ari_password:
        raise InvalidArgument("ari_port, ari_password", "must be chosen before the config is rendered")
    target_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    values = _values(settings, target_dir)
    for template in sorted(TEMPLATES.glob("*.conf")):
        text = _MARK.sub(lambda mark: str(values[mark.group(1)]), template.read_text(encoding="utf-8"))
        _write_private(target_dir / template.name, text)
    write_hold_music(settings.instance_dir / MUSIC_FOLDER)
    for name in _EMPTY_FILES:
        _write_private(target_dir / f"{name}.conf", "")


def _values(settings: AsteriskConfig, target_dir: Path) -> dict[str, object]:
    rtp_start, rtp_end = _whole_pairs(settings.rtp_ports)
    host = ip_address(settings.sip_host)
    media_address = settings.media_address or (_own_address(host.version) if host.is_unspecified else str(host))
    return {
        **{field.name: getattr(settings, field.name) for field in fields(settings)},
        "etc_dir": target_dir,
        "module_dir": settings.module_dir or find_library_dir(settings.root) / "asterisk/modules",
        "data_dir": settings.root / "usr/share/asterisk",
        "lib_dir": settings.instance_dir / "lib",
        "spool_dir": settings.instance_dir / "spool",
        "cache_dir": settings.instance_dir / "cache",
        "log_dir": settings.instance_dir / "log",
        "run_dir": settings.run_path,
        "system_name": f"sip{settings.sip_port}",
        "max_calls": settings.call_limit + 1,
        "sip_bind": f"[{host}]:{settings.sip_port}" if host.version == 6 else f"{host}:{settings.sip_port}",
        "music_dir": settings.instance_dir / MUSIC_FOLDER,
        "media_address": media_address,
        "is_ipv6": "yes" if host.version == 6 else "no",
        "rtp_start": rtp_start,
        "rtp_end": rtp_end,
        "log_levels": _LOG_LEVELS[settings.log_level],
    }


def _whole_pairs(ports: tuple[int, int]) -> tuple[int, int]:
    """Shrink a range to whole pairs: RTP gets the even port and RTCP the next, be that inside the range or not."""
    first, last = ports
    return first + first % 2, last - (last + 1) % 2


def _own_address(version: int) -> str:
    """Return the address that this machine's packets to elsewhere carry (nothing is sent); loopback without a network.

    Asterisk would look up its host's name instead, which in Debian's /etc/hosts is 127.0.1.1.
    """
    family, elsewhere, loopback = (
        (socket.AF_INET6, "2001:db8::1", "::1") if version == 6 else (socket.AF_INET, "192.0.2.1", "127.0.0.1")
    )
    with closing(socket.socket(family, socket.SOCK_DGRAM)) as probe:
        try:
            probe.connect((elsewhere, 9))
        except OSError:
            return loopback
        return str(probe.getsockname()[0])


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)  # an older one may belong to somebody else
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _check_path(name: str, path: Path | None) -> None:
    if path is None:
        return
    if not path.is_absolute():
        raise InvalidArgument(name, f"{str(path)!r} is not absolute")
    if match := _BAD_IN_PATHS.search(str(path)):
        raise InvalidArgument(
            name,
            f"{str(path)!r} has {match.group()!r} in it, which Asterisk's config files cannot hold; use another folder",
        )


def _check_address(name: str, text: str | None) -> None:
    try:
        if text is not None:
            ip_address(text)
    except ValueError:
        raise InvalidArgument(name, f"{text!r} is not an IP address; expected one such as 127.0.0.1") from None
