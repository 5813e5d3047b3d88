"""Groupcalls, conferences, recordings, flows and lines look on the wire as the contract says."""

import json
from typing import Any

from app.domain.call import Address, AddressType, CallType, MuteDirection
from app.domain.customer import AgentStatus, RingMethod
from app.domain.flow import Action
from app.domain.ids import ZERO_ID, new_id
from app.domain.line import NumberType, TrunkAuth
from app.domain.timestamps import NEVER, format_timestamp
from app.domain.webhook import DeliveryStatus
from app.wire.activeflow import activeflow_body
from app.wire.call import call_body
from app.wire.conference import conference_body, conferencecall_body
from app.wire.customer import RING_METHOD_OF, agent_body
from app.wire.flow import flow_body
from app.wire.forms import Body
from app.wire.groupcall import groupcall_body
from app.wire.line import extension_body, number_body, outbound_config_body, trunk_body
from app.wire.recording import recording_body
from app.wire.speaking import speaking_body
from app.wire.webhook_delivery import webhook_delivery_body

CID = "12345678-1234-1234-1234-123456789012"
FIRST = "2026-01-20 12:00:01.000000"
TM = {"tm_create": FIRST, "tm_update": FIRST}


def _json(body: Body) -> dict[str, Any]:
    parsed = json.loads(body.model_dump_json())
    assert isinstance(parsed, dict)
    assert parsed == body.model_dump(mode="json")
    return parsed


def _assert_is(body: Body, expected: dict[str, Any]) -> None:
    assert list(_json(body).items()) == list(expected.items())


def test_a_call_shows_what_it_belongs_to(samples: Any) -> None:
    ids = {name: new_id() for name in ("owner_id", "master_call_id", "recording_id", "groupcall_id")}
    lists = {name: (new_id(), new_id()) for name in ("chained_call_ids", "recording_ids")}
    more = {"owner_type": "agent", "type": CallType.CONFERENCE, "mute_direction": MuteDirection.BOTH}
    body = _json(call_body(samples.call(CID, **ids, **lists, **more)))
    expected = ids | {name: list(value) for name, value in lists.items()}
    expected |= {"owner_type": "agent", "type": "conference", "mute_direction": "both"}
    assert {name: body[name] for name in expected} == expected


def test_a_groupcall(samples: Any) -> None:
    groupcall = samples.groupcall(CID, call_ids=("a", "b"), call_count=2)
    blank = {"target_name": "", "name": "", "detail": ""}
    expected = {
        "id": groupcall.id,
        "customer_id": CID,
        "owner_type": "",
        "owner_id": ZERO_ID,
        "status": "progressing",
        "flow_id": ZERO_ID,
        "source": {"type": "sip", "target": "alice"} | blank,
        "destinations": [
            {"type": "tel", "target": "+15551234567"} | blank,
            {"type": "sip", "target": "bob@host"} | blank,
        ],
        "master_call_id": ZERO_ID,
        "master_groupcall_id": ZERO_ID,
        "ring_method": "ring_all",
        "answer_method": "hangup_others",
        "answer_call_id": ZERO_ID,
        "call_ids": ["a", "b"],
        "answer_groupcall_id": ZERO_ID,
        "groupcall_ids": [],
        "call_count": 2,
        "groupcall_count": 0,
        "dial_index": 0,
    }
    _assert_is(groupcall_body(groupcall), expected | TM)
    assert _json(groupcall_body(samples.groupcall(CID, tm_delete=samples.moment())))["tm_delete"]


def test_ring_methods_are_written_differently_for_agents_and_groupcalls(samples: Any) -> None:
    words = {_json(agent_body(samples.agent(CID, ring_method=method)))["ring_method"]: method for method in RingMethod}
    assert words == RING_METHOD_OF == {"ringall": RingMethod.RING_ALL, "linear": RingMethod.LINEAR}
    groupcall = groupcall_body(samples.groupcall(CID, ring_method=RingMethod.RING_ALL))
    assert _json(groupcall)["ring_method"] == "ring_all"


def test_an_agent_that_takes_calls(samples: Any) -> None:
    address = Address(AddressType.EXTENSION, target_name="100")
    body = _json(agent_body(samples.agent(CID, status=AgentStatus.BUSY, addresses=(address,), tag_ids=("t",))))
    assert (body["status"], body["tag_ids"]) == ("busy", ["t"])
    assert body["addresses"] == [{"type": "extension", "target": "", "target_name": "100", "name": "", "detail": ""}]


def test_a_conference_and_a_stay_in_it(samples: Any) -> None:
    conference = samples.conference(CID, data={"any": {"thing": 1}}, conferencecall_ids=("s",), timeout=90)
    expected = {
        "id": conference.id,
        "customer_id": CID,
        "type": "conference",
        "status": "progressing",
        "name": "a room",
        "detail": "",
        "data": {"any": {"thing": 1}},
        "timeout": 90,
        "pre_flow_id": ZERO_ID,
        "post_flow_id": ZERO_ID,
        "conferencecall_ids": ["s"],
        "recording_id": ZERO_ID,
        "recording_ids": [],
        "transcribe_id": ZERO_ID,
        "transcribe_ids": [],
        "direct_hash": "",
        "tm_end": NEVER,
    }
    _assert_is(conference_body(conference), expected | TM | {"tm_delete": NEVER})
    stay = samples.conferencecall(conference, tm_create=conference.tm_create)
    _assert_is(
        conferencecall_body(stay),
        {
            "id": stay.id,
            "customer_id": CID,
            "activeflow_id": ZERO_ID,
            "conference_id": conference.id,
            "reference_type": "call",
            "reference_id": stay.reference_id,
            "status": "joined",
            **TM,
            "tm_delete": NEVER,
        },
    )


def test_a_recording(samples: Any) -> None:
    recording = samples.recording(CID)
    expected = {
        "id": recording.id,
        "customer_id": CID,
        "owner_type": "",
        "owner_id": ZERO_ID,
        "activeflow_id": ZERO_ID,
        "reference_type": "call",
        "reference_id": recording.reference_id,
        "status": "recording",
        "format": "wav",
        "on_end_flow_id": ZERO_ID,
    }
    _assert_is(recording_body(recording), expected | TM)
    times = {name: samples.moment() for name in ("tm_start", "tm_end", "tm_delete")}
    ended = _json(recording_body(samples.recording(CID, filenames=("secret.wav",), **times)))
    assert {name: ended[name] for name in times} == {name: format_timestamp(moment) for name, moment in times.items()}
    assert "secret.wav" not in str(ended)


def test_a_flow_and_an_execution_of_it(samples: Any) -> None:
    action = Action(new_id(), "talk", {"text": "${x}"})
    flow = samples.flow(CID, actions=(action,), detail="d", direct_hash="h")
    shown = {"id": action.id, "next_id": ZERO_ID, "type": "talk", "option": {"text": "${x}"}}
    expected = {"id": flow.id, "customer_id": CID, "type": "flow", "name": "a flow", "detail": "d", "actions": [shown]}
    expected |= {"direct_hash": "h", "on_complete_flow_id": ZERO_ID}
    _assert_is(flow_body(flow), expected | TM | {"tm_delete": NEVER})
    ids = {"reference_activeflow_id": new_id(), "on_complete_flow_id": new_id()}
    hook = {"webhook_uri": "https://x.test", "webhook_method": "PUT"}
    body = _json(activeflow_body(samples.activeflow(CID, **ids, **hook)))
    assert {name: body[name] for name in ids | hook} == ids | hook


def test_numbers(samples: Any) -> None:
    number = samples.number(CID, number="+15551234567", type=NumberType.NORMAL, tm_create=samples.moment())
    expected = {
        "id": number.id,
        "customer_id": CID,
        "number": "+15551234567",
        "type": "normal",
        "call_flow_id": ZERO_ID,
        "message_flow_id": ZERO_ID,
        "name": "",
        "detail": "",
        "status": "active",
        "t38_enabled": False,
        "emergency_enabled": False,
        "metadata": {"rtp_debug": False},
        "tm_purchase": NEVER,
        "tm_renew": NEVER,
    }
    made = format_timestamp(number.tm_create)
    _assert_is(number_body(number), expected | {"tm_create": made, "tm_update": made, "tm_delete": NEVER})
    gone = _json(number_body(samples.number(CID, tm_delete=samples.moment(), is_rtp_debug=True)))
    assert (gone["status"], gone["metadata"]) == ("deleted", {"rtp_debug": True})


def test_extensions_show_their_password_to_their_owner(samples: Any) -> None:
    extension = samples.extension(CID, name="n", extension="100", username="u")
    expected = {"id": extension.id, "customer_id": CID, "name": "n", "detail": "", "extension": "100"}
    expected |= {"domain_name": "phones.test", "username": "u", "password": "secret", "direct_hash": ""}
    _assert_is(extension_body(extension), expected | TM | {"tm_delete": NEVER})


def test_trunks(samples: Any) -> None:
    auths = (TrunkAuth.BASIC, TrunkAuth.IP)
    trunk = samples.trunk(CID, domain_name="d", auth_types=auths, allowed_ips=("10.0.0.1",), is_registering=True)
    expected = {"id": trunk.id, "customer_id": CID, "name": "a trunk", "detail": "", "domain_name": "d"}
    expected |= {"auth_types": ["basic", "ip"], "username": "", "password": "", "allowed_ips": ["10.0.0.1"]}
    expected |= {"hostname": "", "transport": "udp", "register": True, "priority": 0, "direct_hash": ""}
    _assert_is(trunk_body(trunk), expected | TM | {"tm_delete": NEVER})


def test_what_may_be_dialled(samples: Any) -> None:
    config = samples.outbound_config(CID, destination_whitelist=("de", "kr"))
    expected = {"id": config.id, "customer_id": CID, "name": "", "detail": "", "destination_whitelist": ["de", "kr"]}
    expected |= {"codecs": "", "default_outgoing_source_number_id": ZERO_ID}
    _assert_is(outbound_config_body(config), expected | TM | {"tm_delete": NEVER})


def test_a_speaking(samples: Any) -> None:
    speaking = samples.speaking(CID)
    expected = {"id": speaking.id, "customer_id": CID, "reference_type": "call", "reference_id": speaking.reference_id}
    expected |= {"language": "en-US", "provider": "", "voice_id": "", "direction": "out", "status": "active"}
    _assert_is(speaking_body(speaking), expected | TM | {"tm_delete": NEVER})


def test_a_webhook_delivery(samples: Any) -> None:
    delivery = samples.delivery(CID, seq=7, attempts=2, last_error="no answer", status=DeliveryStatus.FAILED)
    body = _json(webhook_delivery_body(delivery))
    assert body["payload"] == {"type": "call_created", "data": {"id": "x"}}
    assert (body["seq"], body["status"], body["attempts"], body["last_error"]) == (7, "failed", 2, "no answer")
    assert (body["uri"], body["method"], body["event_type"]) == (delivery.uri, "POST", "call_created")
    assert (body["tm_next"], body["tm_delivered"]) == (format_timestamp(delivery.tm_next), NEVER)
    assert body["tm_delete"] == NEVER
