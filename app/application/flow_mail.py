"""Mails of flows, through the operator's mail server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from pathlib import Path

import aiosmtplib

from app.application.mail_server import MailServer
from app.domain.recording import RECORDING_FORMATS, Recording, RecordingStatus
from app.errors import InvalidArgument, NotFound, StateInvalid, Unavailable
from app.flow.reach import Attachment, Mail
from app.logs import get_log
from app.store.store import Store

log = get_log("flow")

SEND_SECONDS = 60.0
MAX_ATTACHED_BYTES = 20_000_000

FindFile = Callable[[Recording, str], Path | None]
"""Gives the file of a part of a recording, "" for all of it; None when there is none."""


class FlowMail:
    """Sends mail (MailControl)."""

    def __init__(self, server: MailServer, store: Store, find_file: FindFile) -> None:
        self._server = server
        self._store = store
        self._find_file = find_file

    async def send(self, mail: Mail) -> None:
        """Hand a mail to the server; Unavailable says why it was not taken, NotFound names a missing recording."""
        files = [await self._find(mail.customer_id, each) for each in mail.attachments]
        message = await asyncio.to_thread(build_message, mail, self._server.sender, files)
        server = self._server
        try:
            async with asyncio.timeout(SEND_SECONDS):
                refused, _ = await aiosmtplib.send(
                    message,
                    sender=server.sender,
                    recipients=list(mail.recipients),
                    hostname=server.host,
                    port=server.port,
                    username=server.user or None,
                    password=server.password or None,
                    use_tls=server.is_tls,
                    start_tls=server.start_tls,
                    timeout=SEND_SECONDS / 2,
                )
        except TimeoutError:
            raise Unavailable(f"the mail server did not take the mail within {SEND_SECONDS:g} s") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Unavailable(f"the mail server did not take the mail: {_describe(error)}") from None
        log.info("mail sent", recipients=len(mail.recipients) - len(refused), refused=len(refused), host=server.host)

    async def _find(self, customer_id: str, attachment: Attachment) -> Path:
        recording = await self._store.recordings.get(customer_id, attachment.recording_id)
        if recording is None or recording.tm_delete is not None:
            raise NotFound("recording", attachment.recording_id)
        if recording.status is not RecordingStatus.ENDED:
            raise StateInvalid("a recording that has not ended cannot be sent", recording_id=recording.id)
        path = self._find_file(recording, "")
        if path is None:
            raise NotFound("recording", attachment.recording_id)
        return path


def build_message(mail: Mail, sender: str, files: list[Path]) -> EmailMessage:
    """Return the message; InvalidArgument when the files are too big. Blocks: it reads them.

    The standard library refuses line breaks in headers, so that none can be added by what a caller said.
    """
    size = sum(path.stat().st_size for path in files)
    if size > MAX_ATTACHED_BYTES:
        raise InvalidArgument("attachments", f"have {size} bytes; expected at most {MAX_ATTACHED_BYTES} together")
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = ", ".join(mail.recipients)
    message["Subject"] = mail.subject
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday replies
    message.set_content(mail.content.encode("utf-8", "replace").decode())
    for path in files:
        subtype = RECORDING_FORMATS[path.suffix.removeprefix(".")].partition("/")[2]
        message.add_attachment(path.read_bytes(), maintype="audio", subtype=subtype, filename=path.name)
    return message


def _describe(error: Exception) -> str:
    """Return what went wrong without addresses, which servers repeat in their answers."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return "it refused all recipients"
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return f"it refused user and password ({error.code})"
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"it answered {error.code}"
    if isinstance(error, aiosmtplib.SMTPConnectError):
        return "it cannot be reached"
    return type(error).__name__
