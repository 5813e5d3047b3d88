"""What fulfils the ports of flows: transcripts, flows with their language, messages, settings without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

import app.actions
from app.application import flow_messages
from app.application.flow_directory import StoredFlows
from app.application.flow_lines import StoredLines
from app.application.flow_messages import FlowMessages
from app.domain.call import Address, AddressType
from app.domain.customer import Customer
from app.domain.flow import Action, Flow
from app.domain.ids import new_id
from app.domain.transcribe import Direction
from app.errors import InvalidArgument, InvalidSetting, NotFound, Unavailable
from app.flow.action_registry import load_actions
from app.flow.api_actions import check_actions
from app.settings import Settings, read_settings
from app.store import Store
from tests.unit.conftest import Samples

REGISTRY = load_actions(app.actions)


async def test_what_was_said_comes_in_order(
    store: Store, customer: Customer, stranger: Customer, samples: Samples
) -> None:
    call_id = new_id()
    transcribe = await store.transcribes.insert(samples.transcribe(customer.id, reference_id=call_id))
    for seconds, direction, text in ((9, Direction.OUT, "b"), (2, Direction.IN, "a"), (12, Direction.IN, "c")):
        offset = timedelta(seconds=seconds)
        await store.transcripts.insert(samples.transcript(transcribe, offset=offset, direction=direction, message=text))
    lines = StoredLines(store)
    expected = [("in", "a"), ("out", "b"), ("in", "c")]
    for kind, its_id in (("call", call_id), ("transcribe", transcribe.id)):
        assert [(each.speaker, each.text) for each in await lines.list_lines(customer.id, kind, its_id)] == expected
    assert not await lines.list_lines(stranger.id, "call", call_id)
    with pytest.raises(NotFound):
        await lines.list_lines(stranger.id, "transcribe", transcribe.id)
    with pytest.raises(InvalidArgument):
        await lines.list_lines(customer.id, "activeflow", call_id)


class OneFlow:
    def __init__(self, flow: Flow) -> None:
        self.flow = flow

    def check(self, actions: object, place: str) -> tuple[Action, ...]:
        return check_actions(actions, place, REGISTRY)

    async def find(self, customer_id: str, flow_id: str) -> Flow | None:
        return self.flow if flow_id == self.flow.id else None


async def test_pushed_actions_have_their_flows_language() -> None:
    talk = Action(id=new_id(), type="talk", option={"text": "hello"})
    korean = Action(id=new_id(), type="talk", option={"text": "hello", "language": "ko-KR"})
    flow = Flow(new_id(), "x", "x", (talk, korean, Action(id=new_id(), type="beep")), language="en-GB")
    flows = StoredFlows(OneFlow(flow), REGISTRY)  # type: ignore[arg-type]
    found = await flows.find("c", flow.id)
    assert found is not None
    assert [each.option.get("language") for each in found.actions] == ["en-GB", "ko-KR", None]
    assert [each.id for each in found.actions] == [each.id for each in flow.actions]
    assert await flows.find("c", new_id()) is None
    (checked,) = flows.check([{"type": "talk", "option": {"text": "x"}}], "en-US")
    assert checked.option["language"] == "en-US"
    for wrong in ([{"type": "talk", "option": {"text": "x"}}], [1], "x", None):
        with pytest.raises(InvalidArgument):
            flows.check(wrong, "")


class NotedProvider:
    def __init__(self) -> None:
        self.posted: list[Mapping[str, object]] = []

    async def post(self, content: Mapping[str, object]) -> object:
        self.posted.append(content)
        return None


async def test_messages(
    store: Store, customer: Customer, stranger: Customer, samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    extension = await store.extensions.insert(samples.extension(customer.id, extension="1001", username="u1"))
    sent: list[tuple[str, ...]] = []
    contacts = ["PJSIP/u1/sip:u1@10.0.0.1:5060", "PJSIP/u1/sip:u1@10.0.0.2:5060;ob"]

    async def list_contacts(_ari: object, aor: str) -> tuple[str, ...]:
        return tuple(contacts) if aor == "u1" else ()

    async def send_text(_ari: object, endpoint: str, contact: str, text: str, *, sender: str) -> None:
        sent.append((endpoint, contact, text, sender))

    monkeypatch.setattr(flow_messages, "list_contacts", list_contacts)
    monkeypatch.setattr(flow_messages, "send_text", send_text)
    provider: Any = NotedProvider()
    ari: Any = None
    messages = FlowMessages(ari, store, provider, sip_host="::1")
    source = Address(AddressType.TEL, "+821012345678")
    by_number = Address(AddressType.EXTENSION, "", "1001")
    await messages.send(customer.id, source, by_number, "hi")
    assert sent == [
        ("u1", "sip:u1@10.0.0.1:5060", "hi", "sip:+821012345678@[::1]"),
        ("u1", "sip:u1@10.0.0.2:5060;ob", "hi", "sip:+821012345678@[::1]"),
    ]
    sent.clear()
    await messages.send(customer.id, Address(), Address(AddressType.EXTENSION, extension.id), "hi")
    assert sent[0][3] == "sip:anonymous@[::1]"
    for wrong in (Address(AddressType.EXTENSION, "", "1002"), Address(AddressType.SIP, "a@b")):
        with pytest.raises(InvalidArgument):
            await messages.send(customer.id, source, wrong, "hi")
    with pytest.raises(InvalidArgument):
        await messages.send(stranger.id, source, by_number, "hi")
    contacts.clear()
    with pytest.raises(Unavailable, match="1001"):
        await messages.send(customer.id, source, by_number, "hi")
    tel = Address(AddressType.TEL, "+821087654321")
    await messages.send(customer.id, source, tel, "hi")
    assert provider.posted == [{"source": "+821012345678", "destination": "+821087654321", "text": "hi"}]
    with pytest.raises(Unavailable, match="CALLSCRIBE_SMS_URL"):
        await FlowMessages(ari, store, None, sip_host="x").send(customer.id, source, tel, "hi")


def test_settings_show_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"smtp_url": "smtp://u:topsecret@h", "sms_key": "topsecret", "ai_key": "topsecret", "crm_key": "topsecret"}
    settings = Settings(**values)  # type: ignore[arg-type]
    assert "topsecret" not in repr(settings)
    assert settings.is_set("CALLSCRIBE_SMTP_URL")
    assert not settings.is_set("CALLSCRIBE_AI_URL")
    monkeypatch.setenv("CALLSCRIBE_AI_URL", "topsecret:8080")
    with pytest.raises(InvalidSetting, match="http://HOST/PATH") as error:
        read_settings()
    assert "topsecret" not in error.value.message
