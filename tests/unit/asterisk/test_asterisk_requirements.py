from collections.abc import Mapping
from pathlib import Path

from app.asterisk.config import TEMPLATES
from app.asterisk.requirements import REQUIRED_MODULES, check_asterisk, check_local
from app.errors import Unavailable

ALL = [name for names in REQUIRED_MODULES.values() for name in names]


class Ari:
    """Answers four questions from what a test gives it."""

    def __init__(self, version: str, modules: list[str], applications: list[str]) -> None:
        self.answers: Mapping[str, object] = {
            "/asterisk/info": {"system": {"version": version, "entity_id": "x"}},
            "/asterisk/modules": [{"name": f"{name}.so", "status": "Running", "use_count": 0} for name in modules],
            "/applications": [{"name": name, "channel_ids": []} for name in applications],
            "/endpoints/PJSIP": [{"technology": "PJSIP", "resource": "outgoing", "state": "offline"}],
        }

    async def __call__(self, path: str) -> object:
        return self.answers[path]


async def test_good_asterisk_has_only_good_findings() -> None:
    findings = await check_asterisk(Ari("22.10.1", ALL, ["callscribe"]), "callscribe")
    assert all(finding.is_ok and not finding.remedy for finding in findings)


async def test_old_version_is_found() -> None:
    findings = await check_asterisk(Ari("22.9.0", ALL, ["callscribe"]), "callscribe")
    assert [(item.text, item.remedy) for item in findings if not item.is_ok] == [
        ("22.9.0", "install Asterisk 22.10.1 or later")
    ]


async def test_missing_modules_are_named_with_the_line_to_add() -> None:
    modules = [name for name in ALL if name not in {"chan_rtp", "res_timing_timerfd"}] + ["res_timing_pthread"]
    findings = await check_asterisk(Ari("22.10.1", modules, ["callscribe"]), "callscribe")
    [finding] = [item for item in findings if not item.is_ok]
    assert "chan_rtp" in finding.text
    assert "load = chan_rtp.so" in finding.remedy


async def test_missing_endpoint_is_found() -> None:
    asterisk = Ari("22.10.1", ALL, ["callscribe"])
    asterisk.answers = {**asterisk.answers, "/endpoints/PJSIP": []}
    [finding] = [item for item in await check_asterisk(asterisk, "callscribe") if not item.is_ok]
    assert finding.name == "endpoint outgoing"


async def test_unconnected_application_is_found() -> None:
    findings = await check_asterisk(Ari("22.10.1", ALL, ["other"]), "callscribe")
    assert [item.name for item in findings if not item.is_ok] == ["Stasis application"]


async def test_silent_asterisk_is_one_finding() -> None:
    async def refuse(path: str) -> object:
        raise Unavailable("connection refused")

    [finding] = await check_asterisk(refuse, "callscribe")
    assert not finding.is_ok
    assert "connection refused" in finding.text


async def test_strange_answer_is_one_finding() -> None:
    async def answer(path: str) -> object:
        return ["not", "Asterisk"]

    [finding] = await check_asterisk(answer, "callscribe")
    assert not finding.is_ok


def test_what_we_load_is_all_that_we_need() -> None:
    loaded = (TEMPLATES / "modules.conf").read_text()
    assert not [name for name in ALL if f"load = {name}.so" not in loaded]


def test_local_findings_name_what_is_missing(tmp_path: Path) -> None:
    findings = {finding.name: finding for finding in check_local(tmp_path / "install", tmp_path / "home/deep")}
    assert not findings["Asterisk"].is_ok
    assert findings["Asterisk"].remedy == "callscribe set-up"
    assert "GB free" in findings["disk"].text
