"""Settings: environment variables `CALLSCRIBE_*`, or a `.env`-style file; read once, by the composition root only."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.errors import InvalidSetting

CHECKOUT = Path(__file__).resolve().parent.parent
_PREFIX = "CALLSCRIBE_"

Hours = Annotated[float, Field(gt=0, le=87_600, allow_inf_nan=False)]
"""A length in hours, ten years at most."""
Rate = Annotated[float, Field(allow_inf_nan=False)]
"""Requests per second."""


class PromptText(StrEnum):
    """Where the transcript of a prompt that is heard comes from."""

    TEXT = "text"
    DECODE = "decode"


class Settings(BaseSettings):
    """Everything an operator can choose; each field is the environment variable `CALLSCRIBE_` + its name."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    home: Path = Field(CHECKOUT / "var", description="state of one instance: database, Asterisk config, prompts, logs")
    install_dir: Path = Field(
        CHECKOUT / "var" / "install", description="what all instances share: Asterisk's root file system, models"
    )
    flows: Path = Field(CHECKOUT / "flows", description="folder of flow files")
    http_host: str = Field("127.0.0.1", description="API and console: address")
    http_port: int = Field(8080, ge=1, le=65535, description="API and console: TCP port")
    sip_host: str = Field("127.0.0.1", description="SIP: address, UDP and TCP")
    sip_port: int = Field(5060, ge=1, le=65535, description="SIP: port, UDP and TCP")
    rtp_ports: str = Field("20000-20999", description="START-END: every UDP port beside SIP that the instance binds")
    media_host: str = Field("", description="where Asterisk reaches the app (RTP, prompts); empty = HTTP's address")
    ari_port: int = Field(0, ge=0, le=65535, description="embedded Asterisk's loopback ARI; 0 = a free one")
    ari_url: str = Field("", description="an Asterisk of the operator's instead of the embedded one, http://HOST:PORT")
    ari_user: str = Field("callscribe", description="user of the operator's ARI")
    ari_password: str = Field("", description="password of the operator's ARI")
    ari_application: str = Field("callscribe", description="name of our Stasis application")
    database_url: str = Field("", description="SQLAlchemy URL; empty = SQLite under the state folder")
    recognizer: str = Field("auto", description="auto, vosk, moonshine, or by language: en=moonshine,ko=vosk")
    vosk_models: str = Field("", description="bigger Vosk models by language: en=NAME_OR_PATH,ko=NAME_OR_PATH")
    vosk_model_url: str = Field("https://alphacephei.com/vosk/models", description="folder of the Vosk models' zips")
    most_recognition_delay_ms: int = Field(
        500, ge=0, le=60_000, description="while recognition is later than this no new transcribe is taken; 0 = never"
    )
    vosk_beam: float | None = Field(
        None,
        ge=0,
        le=100,
        allow_inf_nan=False,
        description="how widely Vosk searches; less = cheaper; 0 = as the model has it; empty = so too, but 9 at most "
        "where its graph is not composed ahead",
    )
    vosk_max_active: int | None = Field(
        None,
        ge=0,
        le=100_000,
        description="how many paths Vosk follows; fewer = cheaper; 0 = as the model has it; empty = so too, but 2000 "
        "at most where its graph is not composed ahead",
    )
    recognition_threads: int = Field(0, ge=0, le=256, description="recognition threads; 0 = one per core")
    end_of_silence_ms: int = Field(0, ge=0, le=5000, description="silence that ends an utterance; 0 = measured default")
    transcribe_prompts: PromptText = Field(
        PromptText.TEXT,
        description="a prompt of ours that a party hears whole: text = its transcript is the prompt's own text, "
        "decode = it is recognised like any speech",
    )
    admin_password: str = Field("", description="made true at every start: the agent admin has this password")
    access_key: str = Field("", description="made true at every start: this key exists; vb_ and 24 characters at least")
    max_call_seconds: int = Field(3600, ge=1, description="a call is ended after this long")
    dial_seconds: int = Field(30, ge=1, le=600, description="an outgoing call that nobody answers rings this long")
    flow_max_actions: int = Field(
        10_000, ge=1, le=100_000_000, description="a flow is ended after this many actions: what stops an endless one"
    )
    flow_max_stacks: int = Field(
        100, ge=1, le=10_000, description="how many flows may be nested (fetch_flow and others)"
    )
    flow_max_chain: int = Field(
        5, ge=0, le=1000, description="how many flows may follow one another by on_complete and on_end"
    )
    sip_destinations: str = Field(
        "127.0.0.0/8,::1", description="where calls to sip addresses may go: networks and host names, * = anywhere"
    )
    media_destinations: str = Field(
        "127.0.0.0/8,::1/128",
        description="where external_media_start may send sound: networks and host names by commas, * = anywhere",
    )
    webhook_networks: str = Field(
        "", description="private and loopback networks that webhooks may reach, e.g. 127.0.0.0/8,192.168.0.0/16"
    )
    webhook_max_hours: Hours = Field(24, description="a webhook delivery is given up after this long")
    event_retention_hours: Hours = Field(72, description="how long events can be replayed on the WebSocket")
    rate_limit_auth_per_ip: Rate = Field(10, description="requests per second; 0 turns off")
    rate_limit_api_per_ip: Rate = Field(200, description="requests per second; 0 turns off")
    rate_limit_api_per_customer: Rate = Field(16.7, description="requests per second; 0 turns off")
    smtp_url: str = Field(
        "",
        repr=False,
        description="mail server of email_send: smtp://USER:PASSWORD@HOST:PORT (STARTTLS, required where a password is "
        "sent to another host; ?starttls=always, auto or never), or smtps://USER:PASSWORD@HOST:PORT",
    )
    mail_from: str = Field("", description="sender of the mails of email_send, e.g. callscribe@example.com")
    sms_url: str = Field(
        "", repr=False, description="SMS provider of message_send: gets POST JSON {source, destination, text}"
    )
    sms_key: str = Field("", repr=False, description="sent to the SMS provider as Authorization: Bearer KEY")
    ai_url: str = Field(
        "",
        repr=False,
        description="OpenAI-compatible endpoint of ai_talk, ai_task and ai_summary, e.g. http://127.0.0.1:11434/v1",
    )
    ai_key: str = Field("", repr=False, description="sent to the AI endpoint as Authorization: Bearer KEY")
    ai_model: str = Field("", description="the model that the AI endpoint is asked for; empty = its own choice")
    crm_url: str = Field(
        "", repr=False, description="endpoint of case_create and conversation_send: gets POST JSON, answers JSON"
    )
    crm_key: str = Field("", repr=False, description="sent to the CRM endpoint as Authorization: Bearer KEY")
    log_level: str = Field("info", description="debug, info, warning or error")

    @field_validator("home", "install_dir", "flows")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        # Asterisk and child processes have other working folders than the operator's shell.
        return value.expanduser().absolute()

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.lower() not in {"debug", "info", "warning", "error"}:
            raise ValueError("expected debug, info, warning or error")
        return value.lower()

    @field_validator("sms_url", "ai_url", "crm_url")
    @classmethod
    def _http_address(cls, value: str) -> str:
        if value and not is_http_address(value):
            raise ValueError("expected http://HOST/PATH or https://HOST/PATH")
        return value

    @model_validator(mode="after")
    def _ari_belongs_together(self) -> "Settings":
        if self.ari_url and not self.ari_url.startswith(("http://", "https://")):
            raise ValueError(f"{self.ari_url!r} is no address; expected http://HOST:PORT of the operator's Asterisk")
        return self

    @property
    def effective_database_url(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database_url or f"sqlite+aiosqlite:///{self.home / 'callscribe.db'}"

    @property
    def effective_media_host(self) -> str:
        """The address at which Asterisk reaches our RTP receiver and our prompts."""
        if self.media_host:
            return self.media_host
        return "127.0.0.1" if self.http_host in {"", "0.0.0.0", "::"} else self.http_host  # noqa: S104

    def is_set(self, variable: str) -> bool:
        """Tell whether a setting, by its name `CALLSCRIBE_...`, has a value."""
        return bool(getattr(self, variable.removeprefix(_PREFIX).lower()))

    @property
    def log_level_number(self) -> int:
        """The level as the standard library counts it."""
        return {"debug": 10, "info": 20, "warning": 30, "error": 40}[self.log_level]


def is_http_address(text: str) -> bool:
    """Tell whether `text` is an http or https URL with a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def read_settings(**overrides: Any) -> Settings:
    """Read the settings; InvalidSetting names the variable, its value's fault and what is expected."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:
            raise InvalidSetting(_PREFIX + "ARI_URL", first["msg"].removeprefix("Value error, ")) from None
        variable = _PREFIX + str(first["loc"][0]).upper()
        fault = first["msg"].removeprefix("Value error, ")
        field = Settings.model_fields.get(str(first["loc"][0]))
        meaning = f" ({field.description})" if field and field.description else ""
        # Of what may hold a password nothing is shown.
        is_shown = field is None or field.repr
        value = repr(os.environ.get(variable, first.get("input"))) if is_shown else "the value"
        raise InvalidSetting(variable, f"{value} is wrong: {fault}{meaning}") from None
