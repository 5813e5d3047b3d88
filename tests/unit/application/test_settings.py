"""Settings: a wrong value stops the start with the variable's name, the fault and what is expected."""

from pathlib import Path

import pytest

from app.application.settings_check import check_settings
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
        ("CALLSCRIBE_DIAL_SECONDS", "601", "600"),
        ("CALLSCRIBE_WEBHOOK_MAX_HOURS", "inf", "finite"),
        ("CALLSCRIBE_EVENT_RETENTION_HOURS", "1e300", "87600"),
        ("CALLSCRIBE_RATE_LIMIT_API_PER_IP", "nan", "finite"),
    ],
)
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidSetting) as error:
        read_settings()
    assert error.value.variable == variable
    assert said in error.value.message
    assert error.value.message.count(variable) == 1


@pytest.mark.parametrize(
    ("field", "value", "variable"),
    [
        ("http_host", "no such host", "CALLSCRIBE_HTTP_HOST"),
        ("http_host", "192.0.2.1", "CALLSCRIBE_HTTP_HOST"),
        ("sip_host", "localhost", "CALLSCRIBE_SIP_HOST"),
        ("sip_host", "192.0.2.1", "CALLSCRIBE_SIP_HOST"),
        ("media_host", "::", "CALLSCRIBE_MEDIA_HOST"),
        ("media_host", "a" * 70 + ".example", "CALLSCRIBE_MEDIA_HOST"),
    ],
)
def test_an_address_that_is_not_ours_is_named(field: str, value: str, variable: str) -> None:
    check_settings(read_settings())
    with pytest.raises(InvalidSetting, match=f"^{variable}: '{value}' .*; expected") as error:
        check_settings(read_settings(**{field: value}))
    assert error.value.variable == variable


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sip_destinations", "10.0.0.0/99"),
        ("media_destinations", "10.0.0.0/99"),
        ("webhook_networks", "10.0.0.1/8"),
        ("smtp_url", "http://127.0.0.1"),
        ("flows", Path("/no/such/folder")),
    ],
)
def test_what_only_this_machine_can_judge_is_named_too(field: str, value: object) -> None:
    with pytest.raises(InvalidSetting, match=r"expected|did you mean") as error:
        check_settings(read_settings(**{"mail_from": "callscribe@example.com", field: value}))
    assert error.value.variable == f"CALLSCRIBE_{field.upper()}"


def test_sip_of_the_operators_asterisk_is_its_own() -> None:
    check_settings(read_settings(ari_url="http://127.0.0.1:8088", sip_host="192.0.2.1"))


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
