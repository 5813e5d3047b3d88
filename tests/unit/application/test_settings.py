"""Settings: a wrong value stops the start with the variable's name, the fault and what is expected."""

from pathlib import Path

import pytest

from app.errors import InvalidSetting
from app.settings import read_settings


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("CALLSCRIBE_HTTP_PORT", "eighty", "integer"),
        ("CALLSCRIBE_SIP_PORT", "70000", "65535"),
        ("CALLSCRIBE_LOG_LEVEL", "loud", "debug, info, warning or error"),
        ("CALLSCRIBE_ARI_URL", "asterisk:8088", "http://HOST:PORT"),
        ("CALLSCRIBE_MAX_CALL_SECONDS", "0", "greater than or equal to 1"),
        ("CALLSCRIBE_FLOW_MAX_ACTIONS", "0", "greater than or equal to 1"),
        ("CALLSCRIBE_FLOW_MAX_STACKS", "many", "integer"),
        ("CALLSCRIBE_FLOW_MAX_CHAIN", "-1", "greater than or equal to 0"),
    ],
)
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidSetting) as error:
        read_settings()
    assert error.value.variable == variable
    assert said in error.value.message


def test_state_and_installation_are_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CALLSCRIBE_INSTALL_DIR", raising=False)
    before = read_settings().install_dir
    monkeypatch.setenv("CALLSCRIBE_HOME", str(tmp_path))
    settings = read_settings()
    assert settings.install_dir == before
    assert settings.effective_database_url.endswith(f"{tmp_path}/callscribe.db")


def test_an_empty_value_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLSCRIBE_HTTP_PORT", "")
    assert read_settings().http_port == 8080
