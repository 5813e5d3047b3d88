"""The operator's mail server, as CALLSCRIBE_SMTP_URL names it."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from app.errors import InvalidSetting

_URL = "CALLSCRIBE_SMTP_URL"
_FROM = "CALLSCRIBE_MAIL_FROM"
_EXPECTED = "expected smtp://USER:PASSWORD@HOST:PORT or smtps://USER:PASSWORD@HOST:PORT (%40 for an @ in them)"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_START_TLS: dict[str, bool | None] = {"always": True, "auto": None, "never": False}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail goes. `start_tls` None = where the server offers it; `is_tls` = from the first byte on."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    is_tls: bool
    start_tls: bool | None
    sender: str


def read_mail_server(url: str, sender: str) -> MailServer | None:
    """Return the server, None where `url` is empty. InvalidSetting names the setting and never the password.

    A password is sent in clear only to this machine, or where the URL says `?starttls=auto` or `never`.
    """
    if not url:
        return None
    if "@" not in sender or not sender.isprintable() or not sender.isascii() or set(sender) & set(" <>,;\"'"):
        raise InvalidSetting(
            _FROM, "is required beside CALLSCRIBE_SMTP_URL; expected an address: callscribe@example.com"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidSetting(_URL, f"cannot be read; {_EXPECTED}") from None
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    wish = query.pop("starttls", "")
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or parts.path.strip("/") or query or port == 0:
        raise InvalidSetting(_URL, f"is no address of a mail server; {_EXPECTED}")
    if wish and (wish not in _START_TLS or parts.scheme == "smtps"):
        raise InvalidSetting(_URL, "has a wrong starttls; expected smtp://...?starttls=always, auto or never")
    is_tls = parts.scheme == "smtps"
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    is_here = parts.hostname in _LOOPBACK
    by_default = False if is_tls or is_here else (True if password else None)
    return MailServer(
        host=parts.hostname,
        port=port or (465 if is_tls else 25 if is_here else 587),
        user=user,
        password=password,
        is_tls=is_tls,
        start_tls=_START_TLS[wish] if wish else by_default,
        sender=sender,
    )
