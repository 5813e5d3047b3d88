"""What Asterisk must have for Callscribe: checks for `callscribe doctor`, of ours and of an operator's own."""

import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, TypeAdapter, ValidationError

from app.asterisk.errors import AsteriskCannotEnter, AsteriskNotInstalled
from app.asterisk.install import MINIMUM_VERSION, find_asterisk, parse_version
from app.asterisk.root import find_library_dir, loader_command
from app.asterisk.user import USER_NAME, check_can_enter, choose_user
from app.errors import CallscribeError

AriQuery = Callable[[str], Awaitable[object]]
"""Asks ARI: `await query("/asterisk/info")` returns the decoded JSON of `GET /ari/asterisk/info`; its errors pass."""

DISK_BYTES: Final = 1_000_000_000
"""Asterisk takes 280 MB, twice that while it is unpacked anew; the rest is for a model and a day of logs."""

REQUIRED_MODULES: Final[Mapping[str, tuple[str, ...]]] = {
    "ARI": (
        *("res_ari", "res_ari_applications", "res_ari_asterisk", "res_ari_bridges", "res_ari_channels"),
        *("res_ari_events", "res_ari_playbacks", "res_ari_recordings", "res_http_websocket"),
    ),
    "Stasis": (
        *("res_stasis", "res_stasis_answer", "res_stasis_playback", "res_stasis_recording", "res_stasis_snoop"),
        "app_stasis",
    ),
    "SIP": ("chan_pjsip", "res_pjsip", "res_pjsip_session", "res_pjsip_sdp_rtp", "res_rtp_asterisk"),
    "phones and trunks": (
        *("res_sorcery_config", "res_sorcery_memory", "res_sorcery_astdb", "res_ari_endpoints"),
        *("res_pjsip_registrar", "res_pjsip_authenticator_digest", "res_pjsip_endpoint_identifier_user"),
        *("res_pjsip_endpoint_identifier_ip", "res_pjsip_outbound_authenticator_digest"),
        *("res_pjsip_outbound_registration", "res_pjsip_header_funcs", "func_pjsip_aor"),
        "res_pjsip_messaging",
        *("func_channel", "func_callerid", "func_strings", "func_logic"),
    ),
    "music on hold": ("res_musiconhold",),
    "external media": ("chan_rtp",),
    "bridges": ("bridge_simple", "bridge_softmix", "bridge_holding", "chan_bridge_media"),
    "prompts from the app": ("res_http_media_cache", "res_curl", "func_curl", "format_wav", "format_sln"),
    "codecs": ("codec_ulaw", "codec_alaw", "codec_a_mu", "codec_g722", "codec_resample"),
    "clock": ("res_timing_timerfd",),
}
"""By what they are for. Any module whose name begins with res_timing will do for the clock."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked: what was found, and what to do when it is not good enough (empty when it is)."""

    name: str
    is_ok: bool
    text: str
    remedy: str = ""


class _System(BaseModel):
    version: str


class _AsteriskAnswer(BaseModel):
    system: _System


class _Module(BaseModel):
    name: str
    status: str


class _Application(BaseModel):
    name: str


class _Endpoint(BaseModel):
    resource: str


def check_local(install_dir: Path, home: Path) -> list[Finding]:
    """Check what the embedded Asterisk needs on this machine; blocks for some milliseconds."""
    return [
        _check_mmdebstrap(install_dir),
        _check_root(install_dir),
        *_check_module_files(install_dir),
        _check_user(install_dir),
        _check_disk(home),
    ]


async def check_asterisk(query: AriQuery, application: str) -> list[Finding]:
    """Check a running Asterisk through its ARI: version, modules, and whether `application` is connected."""
    try:
        version = _AsteriskAnswer.model_validate(await query("/asterisk/info")).system.version
        modules = TypeAdapter(list[_Module]).validate_python(await query("/asterisk/modules"))
        applications = TypeAdapter(list[_Application]).validate_python(await query("/applications"))
        endpoints = TypeAdapter(list[_Endpoint]).validate_python(await query("/endpoints/PJSIP"))
    except (CallscribeError, ValidationError, OSError) as error:
        remedy = "see asterisk-config/README.md: http.conf, ari.conf, and CALLSCRIBE_ARI_URL, _ARI_USER, _ARI_PASSWORD"
        return [Finding("Asterisk's ARI", False, f"does not answer as it should: {error}", remedy)]
    running = {module.name.removesuffix(".so") for module in modules if module.status == "Running"}
    return [
        _check_version(version),
        *(_check_modules(purpose, names, running) for purpose, names in REQUIRED_MODULES.items()),
        _check_endpoint({item.resource for item in endpoints}),
        _check_application(application, {item.name for item in applications}),
    ]


def _check_version(text: str) -> Finding:
    wanted = ".".join(map(str, MINIMUM_VERSION))
    try:
        is_ok = parse_version(text) >= MINIMUM_VERSION
    except ValueError:
        is_ok = False
    return Finding("Asterisk's version", is_ok, text, "" if is_ok else f"install Asterisk {wanted} or later")


def _check_modules(purpose: str, names: tuple[str, ...], running: set[str]) -> Finding:
    name = f"modules for {purpose}"
    if purpose == "clock" and any(module.startswith("res_timing_") for module in running):
        return Finding(name, True, "a timing module runs")
    missing = [module for module in names if module not in running]
    if not missing:
        return Finding(name, True, f"{len(names)} of {len(names)} run")
    lines = ", ".join(f"load = {module}.so" for module in missing)
    return Finding(name, False, f"not running: {', '.join(missing)}", f"add to modules.conf: {lines}")


def _check_endpoint(names: set[str]) -> Finding:
    if "outgoing" in names:
        return Finding("endpoint outgoing", True, "it is there: phones and trunks get its options")
    remedy = "add it to pjsip.conf: see asterisk-config/README.md"
    return Finding("endpoint outgoing", False, "it is not there: no phone, no trunk, no call to a SIP address", remedy)


def _check_application(application: str, connected: set[str]) -> Finding:
    if application in connected:
        return Finding("Stasis application", True, f"{application} is connected")
    return Finding("Stasis application", False, f"{application} is not connected", "start the app: callscribe serve")


def _check_mmdebstrap(install_dir: Path) -> Finding:
    if found := shutil.which("mmdebstrap"):
        return Finding("mmdebstrap", True, found)
    is_needed = find_asterisk(install_dir) is None
    remedy = "apt-get install mmdebstrap" if is_needed else ""
    return Finding("mmdebstrap", not is_needed, "missing" if is_needed else "missing, and not needed any more", remedy)


def _check_root(install_dir: Path) -> Finding:
    found = find_asterisk(install_dir)
    if found is not None:
        return Finding("Asterisk", True, f"{found.version} in {found.root}")
    wanted = ".".join(map(str, MINIMUM_VERSION))
    text = f"no Asterisk {wanted} or later in {install_dir / 'asterisk'}"
    return Finding("Asterisk", False, text, "callscribe set-up")


def _check_module_files(install_dir: Path) -> list[Finding]:
    """Whether the installed Asterisk has the modules that its config loads; nothing when there is no Asterisk."""
    found = find_asterisk(install_dir)
    if found is None:
        return []
    folder = find_library_dir(found.root) / "asterisk/modules"
    wanted = [name for names in REQUIRED_MODULES.values() for name in names]
    missing = [name for name in wanted if not (folder / f"{name}.so").is_file()]
    if not missing:
        return [Finding("Asterisk's modules", True, f"{len(wanted)} of {len(wanted)} are there")]
    remedy = f"remove {found.root} and install it again: callscribe set-up"
    return [Finding("Asterisk's modules", False, f"missing: {', '.join(missing)}", remedy)]


def _check_user(install_dir: Path) -> Finding:
    user = choose_user()
    found = find_asterisk(install_dir)
    if found is not None:
        try:
            check_can_enter(user, [Path(loader_command(found.root, "usr/sbin/asterisk")[0])])
        except (AsteriskCannotEnter, AsteriskNotInstalled) as error:
            return Finding("Asterisk's user", False, error.message, "see the sentence before")
    is_plain = not user.is_switch or user.name == USER_NAME
    note = "" if is_plain else f" (there is no user {USER_NAME}; make run creates it)"
    return Finding("Asterisk's user", True, f"{user.name}{note}")


def _check_disk(home: Path) -> Finding:
    folder = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    is_ok = free >= DISK_BYTES
    remedy = "" if is_ok else "make room, or set CALLSCRIBE_HOME and CALLSCRIBE_INSTALL_DIR to another disk"
    return Finding("disk", is_ok, f"{free / 1e9:.1f} GB free at {folder}", remedy)
