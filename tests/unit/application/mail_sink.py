"""A small SMTP server of the tests (RFC 5321): keeps what it is given."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

MOST_BYTES = 1 << 25
"""Of one mail, with what is attached."""


@dataclass
class MailSink:
    """`password` = what it wants; `refuses` = the recipients that it does not take; `tls` makes it offer STARTTLS."""

    password: str = ""
    refuses: frozenset[str] = frozenset()
    tls: ssl.SSLContext | None = None
    port: int = 0
    raw: list[bytes] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    """Every command, without what follows it."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(raw, policy=default) for raw in self.raw]

    async def wait_mail(self, count: int = 1) -> None:
        """Return when that many mails have come."""
        async with asyncio.timeout(20):
            while len(self.raw) < count:
                self._news.clear()
                await self._news.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        is_encrypted = False
        is_known = not self.password
        wanted: list[str] = []
        writer.write(b"220 sink\r\n")
        while line := await reader.readline():
            word, _, rest = line.decode().strip().partition(" ")
            self.words.append(word.upper())
            reply = "250 ok"
            match word.upper():
                case "EHLO":
                    offers = ["sink", "AUTH PLAIN", *(["STARTTLS"] if self.tls and not is_encrypted else [])]
                    reply = "\r\n".join(f"250-{each}" for each in offers) + "\r\n250 8BITMIME"
                case "STARTTLS":
                    writer.write(b"220 go\r\n")
                    await writer.start_tls(self.tls)  # type: ignore[arg-type]
                    is_encrypted = True
                    continue
                case "AUTH":
                    given = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")
                    is_known = given[1:] == ["user", self.password]
                    reply = "235 ok" if is_known else "535 no"
                case "MAIL":
                    wanted = []
                    reply = reply if is_known else "530 who are you"
                case "RCPT":
                    address = rest.partition("<")[2].partition(">")[0]
                    if address in self.refuses:
                        reply = f"550 no {address} here"
                    else:
                        wanted.append(address)
                case "DATA":
                    writer.write(b"354 go\r\n")
                    text = (await reader.readuntil(b"\r\n.\r\n"))[:-3]
                    self.raw.append(text.replace(b"\r\n..", b"\r\n."))
                    self.recipients.append(wanted)
                    self._news.set()
                case "QUIT":
                    writer.write(b"221 bye\r\n")
                    break
            writer.write(reply.encode() + b"\r\n")
            await writer.drain()
        writer.close()


@asynccontextmanager
async def open_mail_sink(*, is_tls_only: bool = False, **how: object) -> AsyncIterator[MailSink]:
    """A listening server; `is_tls_only` = TLS from the first byte on."""
    sink = MailSink(**how)  # type: ignore[arg-type]
    tls = sink.tls if is_tls_only else None
    server = await asyncio.start_server(sink.serve, "127.0.0.1", 0, ssl=tls, limit=MOST_BYTES)
    sink.port = server.sockets[0].getsockname()[1]
    async with server:
        yield sink
