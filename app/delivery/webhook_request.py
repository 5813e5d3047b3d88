"""One attempt to deliver a webhook: signed, bounded in time, redirects followed by hand (contract 7)."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

import aiohttp
from yarl import URL

from app.delivery.webhook_connector import AddressRefused
from app.domain.timestamps import now
from app.domain.webhook import WebhookDelivery

_GONE = 410
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SAYS_WHEN = frozenset({429, 503})
_MAX_ANSWER_BYTES = 4096
_ANSWER_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """The bounds of one attempt: `total_seconds` over all redirects, `dial_seconds` for each look-up and connection."""

    total_seconds: float = 30.0
    dial_seconds: float = 10.0
    max_redirects: int = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt: delivered where `error` is empty.

    `is_final`: trying again cannot help. `is_silent`: no answer came; else the receiver answered, if not kindly.
    """

    error: str = ""
    is_final: bool = False
    is_silent: bool = False
    retry_after_seconds: float | None = None


def sign(body: bytes, secret: str) -> str:
    """Return the value of X-VoIPBIN-Signature: `sha256=` and the hex HMAC-SHA256 of the raw body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@lru_cache(maxsize=4096)
def receiver_of(uri: str) -> str:
    """Return `host:port` of a webhook's address; what is no address is a receiver of its own."""
    try:
        url = URL(uri)
    except ValueError:
        return "none"
    return f"{url.host}:{url.port}"


async def send_webhook(
    session: aiohttp.ClientSession, delivery: WebhookDelivery, secret: str, limits: RequestLimits
) -> Outcome:
    """Make one attempt. It never raises for what the receiver or the network does."""
    body = delivery.body.encode()
    headers = {
        "Content-Type": "application/json",
        "X-Callscribe-Delivery": delivery.id,
        "X-Callscribe-Attempt": str(delivery.attempts + 1),
    }
    if secret:
        headers["X-VoIPBIN-Signature"] = sign(body, secret)
    try:
        async with asyncio.timeout(limits.total_seconds):
            return await _follow(session, delivery, body, headers, limits)
    except AddressRefused as error:
        return Outcome(error.message, is_final=True)
    except aiohttp.InvalidURL:
        return Outcome("this is no address that a webhook can be sent to", is_final=True)
    except aiohttp.ConnectionTimeoutError:
        return Outcome(f"no connection within {limits.dial_seconds:g} s", is_silent=True)
    except TimeoutError:
        return Outcome(f"no answer within {limits.total_seconds:g} s", is_silent=True)
    except (aiohttp.ClientError, OSError) as error:
        return Outcome(_describe(error), is_silent=True)


async def _follow(
    session: aiohttp.ClientSession,
    delivery: WebhookDelivery,
    body: bytes,
    headers: Mapping[str, str],
    limits: RequestLimits,
) -> Outcome:
    url = _read_url(delivery.uri)
    timeout = aiohttp.ClientTimeout(total=None, connect=2 * limits.dial_seconds, sock_connect=limits.dial_seconds)
    for _ in range(limits.max_redirects + 1):
        # Redirects keep method and body, whatever the status: an event must not be lost to an empty GET.
        async with session.request(
            delivery.method, url, data=body, headers=headers, allow_redirects=False, timeout=timeout
        ) as response:
            await _drop_answer(response)
        target = response.headers.get("Location")
        if response.status not in _REDIRECTS or target is None:
            return _judge(response)
        url = _next_url(url, target)
    return Outcome(f"more than {limits.max_redirects} redirects")


def _read_url(text: str) -> URL:
    try:
        url = URL(text)
    except ValueError:
        raise aiohttp.InvalidURL(text) from None
    if url.scheme not in ("http", "https") or not url.host:
        raise aiohttp.InvalidURL(text)
    return url


def _next_url(url: URL, target: str) -> URL:
    try:
        following = _read_url(str(url.join(URL(target))))
    except (ValueError, aiohttp.InvalidURL):
        raise aiohttp.ClientError("a redirect that leads nowhere") from None
    if url.scheme == "https" and following.scheme == "http":
        raise aiohttp.ClientError("a redirect from https to http is not followed")
    return following


async def _drop_answer(response: aiohttp.ClientResponse) -> None:
    """Read what little there may be, so that the connection can be used again; cut off what is more or slow."""
    read = 0
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            while not response.content.at_eof() and read < _MAX_ANSWER_BYTES:
                read += len(await response.content.read(_MAX_ANSWER_BYTES))
    except (aiohttp.ClientError, OSError):  # the status has come, which is all that counts; also TimeoutError
        response.close()
    if not response.content.at_eof():
        response.close()


def _judge(response: aiohttp.ClientResponse) -> Outcome:
    status = response.status
    if 200 <= status < 300:
        return Outcome()
    error = f"the receiver answered {status}"
    if status == _GONE:
        return Outcome(error, is_final=True)
    wait = _read_retry_after(response.headers.get("Retry-After", "")) if status in _SAYS_WHEN else None
    return Outcome(error, retry_after_seconds=wait)


def _read_retry_after(text: str) -> float | None:
    """Return the seconds that a Retry-After means (RFC 9110, 10.2.3: seconds or a date), None when it means nothing."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment: datetime = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (moment - now()).total_seconds() if moment.tzinfo else None


def _describe(error: Exception) -> str:
    """Return the failure without the address, which its owner knows and a log must not show."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the host name is unknown"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "the receiver's certificate is not valid"
    if isinstance(error, aiohttp.ClientSSLError):
        return "no TLS connection (1.2 at least)"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection: {error.os_error.strerror or 'the receiver cannot be reached'}"
    if type(error) is aiohttp.ClientError:
        return str(error)
    return "the connection broke before an answer came"
