"""No Docker engine is needed: what compose and the Dockerfiles name must be there and fit together."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.asterisk.container_config import main

CHECKOUT = Path(__file__).parents[3]
COMPOSE = CHECKOUT / "docker/compose.yaml"
DOCKERFILES = sorted((CHECKOUT / "docker").glob("*/Dockerfile"))


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded = yaml.safe_load(COMPOSE.read_text())
    assert isinstance(loaded, dict)
    return loaded


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    lines = [line for line in dockerfile.read_text().splitlines() if line and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in joined]


def test_services_are_built_from_what_is_there(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {"asterisk-config", "asterisk", "app"}
    for service in compose["services"].values():
        context = (COMPOSE.parent / service["build"]["context"]).resolve()
        assert context == CHECKOUT.resolve()
        assert (context / service["build"]["dockerfile"]) in [path.resolve() for path in DOCKERFILES]


def test_services_wait_for_one_another(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert services["asterisk"]["depends_on"] == {"asterisk-config": {"condition": "service_completed_successfully"}}
    assert services["app"]["depends_on"] == {"asterisk": {"condition": "service_healthy"}}
    assert all("test" in services[name]["healthcheck"] for name in ("asterisk", "app"))


def test_volumes_are_declared_and_folders_exist(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for mount in service["volumes"]:
            source = mount.split(":")[0]
            if source.startswith("."):
                assert (COMPOSE.parent / source).is_dir()
            else:
                assert source in compose["volumes"]


def test_password_must_be_given_and_stands_nowhere(compose: dict[str, Any]) -> None:
    for name in ("asterisk-config", "app"):
        assert compose["services"][name]["environment"]["CALLSCRIBE_ARI_PASSWORD"].startswith(
            "${CALLSCRIBE_ARI_PASSWORD:?"
        )
    assert not any("PASSWORD" in part for part in compose["services"]["asterisk-config"]["command"])


def test_nothing_runs_as_root(compose: dict[str, Any]) -> None:
    for path in DOCKERFILES:
        assert [value for name, value in instructions(path) if name == "USER"] == ["10001:10001"]


def test_asterisk_is_made_by_the_recipe() -> None:
    steps = instructions(CHECKOUT / "docker/asterisk/Dockerfile")
    copied = [value for name, value in steps if name == "COPY"]
    assert copied[0] == "app/asterisk/install.sh /recipe/install.sh"
    assert any("sh /recipe/install.sh /root-file-system" in value for name, value in steps if name == "RUN")
    assert (CHECKOUT / "app/asterisk/install.sh").is_file()


def test_base_images_are_pinned_by_tag() -> None:
    for path in DOCKERFILES:
        bases = [value.split(" ")[0] for name, value in instructions(path) if name == "FROM"]
        assert all(re.fullmatch(r"scratch|[a-z]+:[a-z0-9.-]+", base) and "latest" not in base for base in bases)


def test_what_the_app_image_needs_is_not_ignored() -> None:
    kept = [
        line[1:]
        for line in (CHECKOUT / "docker/app/Dockerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    assert {"app", "asterisk-config", "flows", "pyproject.toml", "requirements.txt"} <= set(kept)
    assert not [name for name in kept if not (CHECKOUT / name).exists()]


def test_command_of_compose_renders_the_config(
    compose: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = compose["services"]["asterisk-config"]["command"]
    assert command[:3] == ["python", "-m", "app.asterisk.container_config"]
    defaults = [re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", part) for part in command[3:]]
    arguments = [part.replace("/var/lib/callscribe-asterisk", str(tmp_path / "volume")) for part in defaults]
    monkeypatch.setenv("CALLSCRIBE_ARI_PASSWORD", "0123456789abcdef")
    assert main(arguments) == 0
    etc = tmp_path / "volume/etc"
    assert "astdatadir => /usr/share/asterisk" in (etc / "asterisk.conf").read_text()
    assert "rtpstart = 20010" in (etc / "rtp.conf").read_text()
    assert "bindport = 8088" in (etc / "http.conf").read_text()


def test_missing_password_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CALLSCRIBE_ARI_PASSWORD", raising=False)
    assert main([f"--instance={tmp_path}/volume"]) == 2
    assert "ari_password" in capsys.readouterr().err


def test_docker_itself_finds_no_fault() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        return  # the checks above are all that can be done here
    command = [docker, "compose", "--file", str(COMPOSE), "config", "--quiet"]
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "CALLSCRIBE_ARI_PASSWORD": "x"}
    found = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert found.returncode == 0, found.stderr
