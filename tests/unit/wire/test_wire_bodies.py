"""Every resource looks on the wire as the contract says: names, order, forms of time, and nothing secret."""

import json
from datetime import timedelta
from typing import Any

from app.domain.call import Address, AddressType, CallAction
from app.domain.customer import Permission
from app.domain.flow import Action
from app.domain.ids import ZERO_ID, new_id
from app.domain.timestamps import NEVER, format_timestamp
from app.domain.transcript import Speaker
from app.wire.activeflow import activeflow_body
from app.wire.call import call_body
from app.wire.customer import access_key_body, agent_body, customer_body
from app.wire.forms import Body
from app.wire.transcribe import transcribe_body
from app.wire.transcript import speech_body, transcript_body

CID = "12345678-1234-1234-1234-123456789012"


def _json(body: Body) -> dict[str, Any]:
    parsed = json.loads(body.model_dump_json())
    assert isinstance(parsed, dict)
    assert parsed == body.model_dump(mode="json")
    return parsed


def test_a_new_call(samples: Any) -> None:
    call = samples.call(CID, source=Address(target="alice", target_name="n"))
    address = {"type": "tel", "target": "+15551234567", "target_name": "", "name": "", "detail": ""}
    expected = {
        "id": call.id,
        "customer_id": CID,
        "owner_type": "",
        "owner_id": ZERO_ID,
        "flow_id": ZERO_ID,
        "activeflow_id": ZERO_ID,
        "type": "flow",
        "master_call_id": ZERO_ID,
        "chained_call_ids": [],
        "recording_id": ZERO_ID,
        "recording_ids": [],
        "groupcall_id": ZERO_ID,
        "source": {"type": "sip", "target": "alice", "target_name": "n", "name": "", "detail": ""},
        "destination": address,
        "status": "progressing",
        "action": {"id": ZERO_ID, "next_id": ZERO_ID, "type": "", "option": {}},
        "metadata": {},
        "direction": "incoming",
        "mute_direction": "",
        "hangup_by": "",
        "hangup_reason": "",
        "tm_create": "2026-01-20 12:00:01.000000",
        "tm_update": "2026-01-20 12:00:01.000000",
    }
    assert list(_json(call_body(call)).items()) == list(expected.items())


def test_an_ended_call_shows_what_happened(samples: Any) -> None:
    times = {name: samples.moment() for name in ("tm_ringing", "tm_progressing", "tm_hangup", "tm_delete")}
    action = CallAction(new_id(), "talk", new_id(), {"text": "x"}, samples.moment())
    body = _json(call_body(samples.call(CID, action=action, **times)))
    assert {name: body[name] for name in times} == {name: format_timestamp(moment) for name, moment in times.items()}
    assert list(body)[-6:] == ["tm_progressing", "tm_ringing", "tm_hangup", "tm_create", "tm_update", "tm_delete"]
    assert body["action"] == {
        "id": action.id,
        "next_id": action.next_id,
        "type": "talk",
        "option": {"text": "x"},
        "tm_execute": format_timestamp(action.tm_execute) if action.tm_execute else "",
    }


def test_a_transcribe(samples: Any) -> None:
    transcribe = samples.transcribe(CID)
    assert list(_json(transcribe_body(transcribe)).items()) == [
        ("id", transcribe.id),
        ("customer_id", CID),
        ("activeflow_id", ZERO_ID),
        ("on_end_flow_id", ZERO_ID),
        ("reference_type", "call"),
        ("reference_id", transcribe.reference_id),
        ("status", "progressing"),
        ("language", "en-US"),
        ("direction", "both"),
        ("provider", ""),
        ("engine", "moonshine"),
        ("model", "tiny-en"),
        ("tm_create", "2026-01-20 12:00:01.000000"),
        ("tm_update", "2026-01-20 12:00:01.000000"),
        ("tm_delete", "9999-01-01 00:00:00.000000"),
    ]


def test_a_transcript_carries_its_offset_on_day_one(samples: Any) -> None:
    transcribe = samples.transcribe(CID)
    transcript = samples.transcript(transcribe, offset=timedelta(minutes=1, seconds=4, microseconds=441_160))
    assert list(_json(transcript_body(transcript)).items()) == [
        ("id", transcript.id),
        ("customer_id", CID),
        ("transcribe_id", transcribe.id),
        ("direction", "in"),
        ("message", "hello there"),
        ("tm_transcript", "0001-01-01 00:01:04.441160"),
        ("tm_create", format_timestamp(transcript.tm_create)),
        ("offset_ms", 64441),
        ("duration_ms", 610),
        ("engine", "moonshine"),
        ("model", "tiny-en"),
        ("confidence", 0.5),
        (
            "words",
            [
                {"word": "hello", "start_ms": 8991, "end_ms": 9200, "confidence": 0.97},
                {"word": "there", "start_ms": 9250, "end_ms": 9600, "confidence": None},
            ],
        ),
        ("speaker", None),
        ("degraded", False),
        ("source", "speech"),
    ]


def test_a_transcript_of_an_engine_without_words_says_null(samples: Any) -> None:
    transcript = samples.transcript(samples.transcribe(CID), words=None, confidence=None, offset=timedelta(seconds=-1))
    body = _json(transcript_body(transcript))
    assert (body["words"], body["confidence"]) == (None, None)
    assert (body["tm_transcript"], body["offset_ms"]) == ("0001-01-01 00:00:00.000000", 0)


def test_a_transcript_says_who_spoke_and_whether_packets_were_lost(samples: Any) -> None:
    call_id, stay_id = new_id(), new_id()
    transcribe = samples.transcribe(CID)
    alone = _json(transcript_body(samples.transcript(transcribe, speaker=Speaker(call_id, name="alice"))))
    assert alone["speaker"] == {"call_id": call_id, "conferencecall_id": ZERO_ID, "name": "alice"}
    member = samples.transcript(transcribe, speaker=Speaker(call_id, stay_id), is_degraded=True)
    body = _json(transcript_body(member))
    assert body["speaker"] == {"call_id": call_id, "conferencecall_id": stay_id, "name": ""}
    assert body["degraded"] is True


def test_only_interims_have_a_message(samples: Any) -> None:
    transcribe = samples.transcribe(CID)
    names = ["id", "customer_id", "streaming_id", "transcribe_id", "direction", "tm_event", "tm_create"]
    assert list(_json(speech_body(samples.speech(transcribe)))) == names
    assert _json(speech_body(samples.speech(transcribe, message="hel")))["message"] == "hel"
    assert _json(speech_body(samples.speech(transcribe, message="")))["message"] == ""


def test_an_activeflow(samples: Any) -> None:
    action = Action(new_id(), "talk", {"text": "x"})
    body = _json(activeflow_body(samples.activeflow(CID, current_action=action, executed_actions=(action,))))
    assert body["current_action"] == {"id": action.id, "next_id": ZERO_ID, "type": "talk", "option": {"text": "x"}}
    assert body["executed_actions"] == [body["current_action"]]
    assert body["tm_delete"] == NEVER
    idle = _json(activeflow_body(samples.activeflow(CID)))
    assert idle["current_action"] == {"id": ZERO_ID, "next_id": ZERO_ID, "type": "", "option": {}}
    assert list(idle) == [
        *("id", "customer_id", "flow_id", "status", "reference_type", "reference_id", "reference_activeflow_id"),
        *("on_complete_flow_id", "webhook_uri", "webhook_method", "current_action", "forward_action_id"),
        *("executed_actions", "tm_create", "tm_update", "tm_delete"),
    ]


def test_people_and_keys_without_their_hashes(samples: Any) -> None:
    agent = _json(agent_body(samples.agent(CID, password_hash="$argon2", permission=Permission.CUSTOMER_ADMIN)))
    assert agent["permission"] == 0x20
    assert (agent["ring_method"], agent["status"], agent["tag_ids"], agent["addresses"]) == (
        "ringall",
        "offline",
        [],
        [],
    )
    key = samples.access_key(CID, token_hash="f" * 64)
    assert "token" not in _json(access_key_body(key))
    shown = _json(access_key_body(key, token="vb_secret"))
    assert (shown["token"], shown["tm_expire"], shown["tm_delete"]) == ("vb_secret", NEVER, NEVER)
    assert "$argon2" not in str(agent)
    assert "ffff" not in str(shown)


def test_a_customer_sees_its_webhook_secret(samples: Any) -> None:
    body = _json(customer_body(samples.customer(webhook_secret="whsec")))
    assert (body["webhook_secret"], body["status"], body["metadata"]) == ("whsec", "active", {"rtp_debug": False})
    assert _json(customer_body(samples.customer(is_rtp_debug=True)))["metadata"] == {"rtp_debug": True}


def test_addresses_of_every_type_have_a_form(samples: Any) -> None:
    for kind in AddressType:
        assert _json(call_body(samples.call(CID, source=Address(kind))))["source"]["type"] == kind.value
