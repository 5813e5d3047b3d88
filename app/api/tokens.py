"""Log-in tokens (JWT) and access keys: made, read, hashed (contract 1.1, 1.3)."""

from __future__ import annotations

import hashlib
import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path

import jwt

from app.api.errors import InvalidCredentials
from app.domain.customer import Agent
from app.domain.timestamps import format_timestamp
from app.errors import InvalidSetting
from app.wire.customer import agent_body

TOKEN_LIFE = timedelta(days=7)
KEY_PREFIX = "vb_"
KEY_MIN_LENGTH = 24
_SHOWN_LENGTH = 11
_SECRET_BYTES = 32
_ALGORITHM = "HS256"


def make_token(agent: Agent, secret: bytes, moment: datetime) -> str:
    """Return a token of `agent` that lives for seven days from `moment`."""
    expire = moment + TOKEN_LIFE
    claims = {
        "type": "agent",
        "agent": agent_body(agent).model_dump(mode="json"),
        "expire": format_timestamp(expire),
        "exp": int(expire.timestamp()),
    }
    return jwt.encode(claims, secret, algorithm=_ALGORITHM)


def read_token(token: str, secret: bytes) -> str:
    """Return the agent id in a token that we signed and that has not expired; else InvalidCredentials."""
    try:
        claims = jwt.decode(token, secret, algorithms=[_ALGORITHM], options={"require": ["exp"]})
    except (jwt.InvalidTokenError, RecursionError):  # deeply nested JSON in an unsigned part
        raise refused() from None
    agent = claims.get("agent")
    if claims.get("type") != "agent" or not isinstance(agent, dict) or not isinstance(agent.get("id"), str):
        raise refused()
    agent_id: str = agent["id"]
    return agent_id


def refused() -> InvalidCredentials:
    """Return the one answer to every wrong credential."""
    return InvalidCredentials("the token or access key is not valid, or has expired")


def make_key() -> str:
    """Return a new random access key."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def hash_key(key: str) -> str:
    """Return the SHA-256 (hex) under which a key is stored."""
    return hashlib.sha256(key.encode()).hexdigest()


def shown_part(key: str) -> str:
    """Return the first characters, by which its owner recognises a key."""
    return key[:_SHOWN_LENGTH]


def load_token_secret(folder: Path) -> bytes:
    """Return the secret that signs tokens, kept in `folder`/token-secret (mode 600), made at the first start."""
    path = folder / "token-secret"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            fresh = path.with_name(f".{path.name}.{os.getpid()}")
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_bytes(_SECRET_BYTES))
                file.flush()
                os.fsync(file.fileno())
            fresh.rename(path)
        secret = path.read_bytes()
    except OSError as error:
        raise InvalidSetting("CALLSCRIBE_HOME", f"{path} cannot be read or made: {error.strerror}") from error
    if len(secret) < _SECRET_BYTES:
        raise InvalidSetting("CALLSCRIBE_HOME", f"{path} is damaged; delete it (everybody has to log in again)")
    return secret
