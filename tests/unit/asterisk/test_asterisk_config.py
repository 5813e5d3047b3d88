import re
import stat
from pathlib import Path

import pytest

from app.asterisk.config import TEMPLATES, AsteriskConfig, render_config
from app.errors import InvalidArgument


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder that looks like the installed root file system."""
    root = tmp_path / "root"
    (root / "usr/lib/x86_64-linux-gnu/asterisk/modules").mkdir(parents=True)
    return root


def make_config(root: Path, **changes: object) -> AsteriskConfig:
    values: dict[str, object] = {
        "instance_dir": root.parent / "in stance",
        "root": root,
        "sip_host": "127.0.0.1",
        "sip_port": 5060,
        "rtp_ports": (20001, 20999),
        "application": "callscribe",
        "ari_port": 8099,
        "ari_password": "secret-word",
    }
    return AsteriskConfig(**{**values, **changes})  # type: ignore[arg-type]


def render(config: AsteriskConfig, folder: Path) -> dict[str, str]:
    render_config(config, folder)
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_every_mark_is_filled_and_dialplan_variables_stay(root: Path, tmp_path: Path) -> None:
    files = render(make_config(root), tmp_path / "etc")
    assert {path.name for path in TEMPLATES.glob("*.conf")} <= set(files)
    assert not [name for name, text in files.items() if "@{" in text]
    assert '"${STASISSTATUS}" = "FAILED"' in files["extensions.conf"]
    assert "Stasis(callscribe,incoming)" in files["extensions.conf"]


def test_values_stand_where_asterisk_reads_them(root: Path, tmp_path: Path) -> None:
    files = render(make_config(root), tmp_path / "etc")
    assert f"astspooldir => {tmp_path}/in stance/spool" in files["asterisk.conf"]
    assert f"astmoddir => {root}/usr/lib/x86_64-linux-gnu/asterisk/modules" in files["asterisk.conf"]
    assert "bindport = 8099" in files["http.conf"]
    assert "bindaddr = 127.0.0.1" in files["http.conf"]
    assert "[callscribe]" in files["ari.conf"]
    assert "password = secret-word" in files["ari.conf"]
    assert files["pjsip.conf"].count("bind = 127.0.0.1:5060") == 2
    assert "media_address = 127.0.0.1" in files["pjsip.conf"]


def test_files_are_for_their_owner_only(root: Path, tmp_path: Path) -> None:
    etc = tmp_path / "etc"
    render_config(make_config(root), etc)
    render_config(make_config(root), etc)  # again, over the first ones
    assert stat.S_IMODE(etc.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in etc.iterdir()} == {0o600}


@pytest.mark.parametrize(
    ("ports", "first", "last", "pairs"),
    [((20000, 20999), 20000, 20999, 500), ((20001, 20010), 20002, 20009, 4), ((20000, 20001), 20000, 20001, 1)],
)
def test_rtp_range_is_whole_pairs_inside_the_range(
    root: Path, tmp_path: Path, ports: tuple[int, int], first: int, last: int, pairs: int
) -> None:
    config = make_config(root, rtp_ports=ports)
    text = render(config, tmp_path / "etc")["rtp.conf"]
    assert f"rtpstart = {first}\n" in text
    assert f"rtpend = {last}\n" in text
    assert config.rtp_pairs == pairs


@pytest.mark.parametrize(("ports", "limit"), [((20000, 20999), 166), ((20000, 20021), 3), ((20000, 20001), 1)])
def test_call_limit_leaves_every_call_its_ports(root: Path, ports: tuple[int, int], limit: int) -> None:
    assert make_config(root, rtp_ports=ports).call_limit == limit
    assert make_config(root, rtp_ports=ports, max_calls=7).call_limit == 7


def test_wildcard_address_names_a_real_one_in_sdp(root: Path, tmp_path: Path) -> None:
    text = render(make_config(root, sip_host="0.0.0.0"), tmp_path / "etc")["pjsip.conf"]
    assert "bind = 0.0.0.0:5060" in text
    assert re.search(r"^media_address = (?!0\.0\.0\.0)\d+\.\d+\.\d+\.\d+$", text, re.MULTILINE)
    assert "bind_rtp_to_media_address = yes" in text


def test_ipv6_address_is_bracketed(root: Path, tmp_path: Path) -> None:
    text = render(make_config(root, sip_host="::1"), tmp_path / "etc")["pjsip.conf"]
    assert "bind = [::1]:5060" in text
    assert "rtp_ipv6 = yes" in text


def test_log_holds_no_numbers_by_default(root: Path, tmp_path: Path) -> None:
    assert "asterisk.log => warning,error\n" in render(make_config(root), tmp_path / "a")["logger.conf"]
    debug = render(make_config(root, log_level="debug"), tmp_path / "b")["logger.conf"]
    assert "asterisk.log => debug,verbose,notice,warning,error\n" in debug


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ari_password", "two words"),
        ("ari_user", "x]\n[y"),
        ("application", "a,b"),
        ("sip_host", "localhost"),
        ("sip_port", 0),
        ("ari_port", 65536),
        ("rtp_ports", (20999, 20000)),
        ("rtp_ports", (20001, 20002)),
        ("log_level", "loud"),
        ("instance_dir", Path("relative")),
        ("instance_dir", Path("/srv/a;b")),
        ("instance_dir", Path("/srv/a:b")),
        ("instance_dir", Path("/srv") / ("a" * 200)),
    ],
)
def test_wrong_value_is_refused_by_its_name(root: Path, field: str, value: object) -> None:
    with pytest.raises(InvalidArgument) as caught:
        make_config(root, **{field: value})
    assert caught.value.field == field


def test_open_values_are_not_rendered(root: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="must be chosen"):
        render_config(make_config(root, ari_port=0), tmp_path / "etc")


def test_modules_are_listed_once() -> None:
    modules = re.findall(r"^load = (\S+)$", (TEMPLATES / "modules.conf").read_text(), re.MULTILINE)
    assert len(modules) == len(set(modules))
    assert "bridge_native_rtp.so" not in modules
