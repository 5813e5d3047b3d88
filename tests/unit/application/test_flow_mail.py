"""Mails of flows, given to a real SMTP server."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.application.flow_mail import FlowMail, build_message
from app.application.mail_server import MailServer, read_mail_server
from app.domain.customer import Customer
from app.domain.recording import RecordingStatus
from app.errors import InvalidSetting, NotFound, StateInvalid, Unavailable
from app.flow.reach import Attachment, Mail
from app.store import Store
from tests.unit.application.mail_sink import MailSink, open_mail_sink
from tests.unit.conftest import Samples

FROM = "callscribe@example.com"


def mail(customer_id: str = "", **fields: Any) -> Mail:
    defaults: dict[str, Any] = {
        "recipients": ("anna@example.com",),
        "subject": "A call — ☎",
        "content": "Grüße\n.\nend",
    }
    return Mail(customer_id=customer_id, **(defaults | fields))


def server_of(sink: MailSink, user: str = "", query: str = "", scheme: str = "smtp") -> MailServer:
    found = read_mail_server(f"{scheme}://{user}127.0.0.1:{sink.port}{query}", FROM)
    assert found is not None
    return found


async def test_a_mail_arrives(store: Store) -> None:
    async with open_mail_sink(password="p@ss:word/") as sink:
        sender = FlowMail(server_of(sink, "user:p%40ss%3Aword%2F@"), store, lambda *_: None)
        await sender.send(mail(recipients=("anna@example.com", "ben@example.com")))
    (received,) = sink.mails
    assert sink.recipients == [["anna@example.com", "ben@example.com"]]
    assert (received["From"], received["To"]) == (FROM, "anna@example.com, ben@example.com")
    assert received["Subject"] == "A call — ☎"
    assert received.get_content().replace("\r\n", "\n") == "Grüße\n.\nend\n"
    assert received["Message-ID"].endswith("@example.com>")


async def test_a_recording_is_attached(store: Store, customer: Customer, samples: Samples, tmp_path: Path) -> None:
    wav = tmp_path / "x.wav"
    wav.write_bytes(b"RIFF" + bytes(5000))
    ended = await store.recordings.insert(samples.recording(customer.id, status=RecordingStatus.ENDED))
    running = await store.recordings.insert(samples.recording(customer.id))
    async with open_mail_sink() as sink:
        sender = FlowMail(server_of(sink), store, lambda *_: wav)
        await sender.send(mail(customer.id, attachments=(Attachment(ended.id),)))
        with pytest.raises(StateInvalid):
            await sender.send(mail(customer.id, attachments=(Attachment(running.id),)))
        with pytest.raises(NotFound):
            await sender.send(mail("another-customer", attachments=(Attachment(ended.id),)))
    (attached,) = sink.mails[0].iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == ("x.wav", "audio/wav")
    assert attached.get_content() == wav.read_bytes()


@pytest.mark.parametrize("fault", ["password", "recipient", "nobody listens", "no STARTTLS"])
async def test_what_the_server_does_not_take_is_told_without_secrets(store: Store, fault: str) -> None:
    async with open_mail_sink(password="secret", refuses=frozenset({"anna@example.com"})) as sink:
        server = server_of(sink, "user:wrong@" if fault == "password" else "user:secret@")
        if fault == "nobody listens":
            server = read_mail_server("smtp://user:secret@127.0.0.1:1", FROM) or server
        if fault == "no STARTTLS":
            server = server_of(sink, "user:secret@", "?starttls=always")
        with pytest.raises(Unavailable) as error:
            await FlowMail(server, store, lambda *_: None).send(mail())
    assert not {"secret", "wrong", "anna"} & set(error.value.message.replace("@", " ").split())
    assert sink.raw == []
    assert "AUTH" not in sink.words or fault in {"password", "recipient"}


def test_no_header_can_be_added() -> None:
    value = "x\r\nBcc: eve@example.com"
    wrong: tuple[Mail, ...] = (mail(subject=value), mail(recipients=(value,)))
    for each in wrong:
        with pytest.raises(ValueError, match=r"linefeed|newline|header"):
            build_message(each, FROM, [])


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.com", ("mail.example.com", 587, False, None)),
        ("smtp://u:p@mail.example.com", ("mail.example.com", 587, False, True)),
        ("smtp://u:p@mail.example.com:2525?starttls=never", ("mail.example.com", 2525, False, False)),
        ("smtp://127.0.0.1", ("127.0.0.1", 25, False, False)),
        ("smtps://u:p@mail.example.com", ("mail.example.com", 465, True, False)),
    ],
)
def test_servers(url: str, expected: tuple[object, ...]) -> None:
    server = read_mail_server(url, FROM)
    assert server is not None
    assert (server.host, server.port, server.is_tls, server.start_tls) == expected
    assert "p" not in repr(server).partition("password")[2].partition(",")[0]


@pytest.mark.parametrize(
    "url",
    ["mail.example.com", "http://x", "smtp://", "smtp://u:topsecret@h:99999", "smtp://u:topsecret@h/path",
     "smtp://u:topsecret@h?starttls=yes", "smtps://u:topsecret@h?starttls=auto", "smtp://u:topsecret@h?x=1"],
)  # fmt: skip
def test_wrong_servers_are_named_without_the_password(url: str) -> None:
    with pytest.raises(InvalidSetting, match="CALLSCRIBE_SMTP_URL") as error:
        read_mail_server(url, FROM)
    assert "topsecret" not in error.value.message


@pytest.mark.parametrize("sender", ["", "callscribe", "a@b.c\r\nBcc: x", "Ann <a@b.c>"])
def test_a_sender_is_required(sender: str) -> None:
    assert read_mail_server("", sender) is None
    with pytest.raises(InvalidSetting, match="CALLSCRIBE_MAIL_FROM"):
        read_mail_server("smtp://h", sender)


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_certificate_that_nobody_knows_gets_no_password(store: Store, tmp_path: Path, scheme: str) -> None:
    names = {"-keyout": str(tmp_path / "key"), "-out": str(tmp_path / "cert"), "-subj": "/CN=127.0.0.1", "-days": "1"}
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run([*words, *(word for pair in names.items() for word in pair)], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    async with open_mail_sink(is_tls_only=scheme == "smtps", password="secret", tls=tls) as sink:
        query = "?starttls=always" if scheme == "smtp" else ""
        server = server_of(sink, "user:secret@", query, scheme)
        with pytest.raises(Unavailable):
            await FlowMail(server, store, lambda *_: None).send(mail())
    assert "AUTH" not in sink.words
