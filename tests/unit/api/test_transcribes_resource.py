"""`/v1.0/transcribes` and `/v1.0/transcripts`."""

import io
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.call import CallStatus
from app.domain.conference import ConferenceStatus
from app.domain.customer import Customer
from app.domain.ids import ZERO_ID, new_id
from app.domain.recording import RecordingStatus
from app.domain.transcribe import Direction, ReferenceType, TranscribeStatus
from app.errors import InvalidArgument, LanguageNotInstalled, TranscribeAlreadyProgressing, Unavailable
from app.speech.recognition_load import RecognitionOverloaded
from app.store import Store


@pytest.fixture
async def body(client: Any, store: Store, samples: Any) -> dict[str, Any]:
    """The tutorial's body for a live call."""
    call = await store.calls.insert(samples.call(client.customer_id))
    return {"reference_type": "call", "reference_id": call.id, "language": "en-US", "direction": "both"}


async def test_starting_on_a_call(client: Any, live: Any, body: dict[str, Any]) -> None:
    answer = await client.post("/v1.0/transcribes", body)
    assert answer.status == 200
    assert live.asked == [
        {
            "customer_id": client.customer_id,
            "reference_type": ReferenceType.CALL,
            "reference_id": body["reference_id"],
            "language": "en-US",
            "direction": Direction.BOTH,
            "on_end_flow_id": ZERO_ID,
            "provider": "",
            "end_of_silence_ms": None,
        }
    ]
    assert {name: answer.json[name] for name in body} == body
    assert answer.json["status"] == "progressing"
    assert answer.json["tm_update"] == answer.json["tm_create"]
    assert answer.json["tm_delete"] == "9999-01-01 00:00:00.000000"
    assert (await client.get(f"/v1.0/transcribes/{answer.json['id']}")).json == answer.json


@pytest.mark.parametrize(
    ("changes", "field", "expected"),
    [
        ({"language": "en-us"}, "language", "en-US"),
        ({"language": "en"}, "language", "en"),
        ({"language": "zh-hans-cn"}, "language", "zh-Hans-CN"),
        ({"direction": None}, "direction", Direction.BOTH),
        ({"direction": ""}, "direction", Direction.BOTH),
        ({"direction": "in"}, "direction", Direction.IN),
        ({"on_end_flow_id": ""}, "on_end_flow_id", ZERO_ID),
        ({"on_end_flow_id": None}, "on_end_flow_id", ZERO_ID),
        ({"on_end_flow_id": ZERO_ID}, "on_end_flow_id", ZERO_ID),
        ({"provider": "aws"}, "provider", "aws"),
        ({"provider": None}, "provider", ""),
        ({"provider": "no such provider"}, "provider", "no such provider"),
        ({"end_of_silence_ms": 100}, "end_of_silence_ms", 100),
        ({"end_of_silence_ms": 5000}, "end_of_silence_ms", 5000),
        ({"end_of_silence_ms": None}, "end_of_silence_ms", None),
        ({"unknown": {"x": 1}}, "provider", ""),
    ],
)
async def test_what_is_accepted(
    client: Any, live: Any, body: dict[str, Any], changes: dict[str, Any], field: str, expected: object
) -> None:
    assert (await client.post("/v1.0/transcribes", body | changes)).status == 200
    assert live.asked[0][field] == expected


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reference_type": "room"}, "reference_type"),
        ({"reference_type": ""}, "reference_type"),
        ({"reference_type": None}, "reference_type"),
        ({"reference_type": ["call"]}, "reference_type"),
        ({"reference_id": "x"}, "reference_id"),
        ({"reference_id": ""}, "reference_id"),
        ({"reference_id": 5}, "reference_id"),
        ({"language": ""}, "language"),
        ({"language": "english please"}, "language"),
        ({"language": None}, "language"),
        ({"language": 7}, "language"),
        ({"direction": 1}, "direction"),
        ({"direction": "IN"}, "direction"),
        ({"direction": "inbound"}, "direction"),
        ({"language": "e" * 5000}, "language"),
        ({"language": "en\0"}, "language"),
        ({"provider": "a\nb"}, "provider"),
        ({"direction": ["in"]}, "direction"),
        ({"on_end_flow_id": "no uuid"}, "on_end_flow_id"),
        ({"on_end_flow_id": {}}, "on_end_flow_id"),
        ({"provider": 3}, "provider"),
        ({"provider": "x" * 256}, "provider"),
        ({"provider": "a\0b"}, "provider"),
        ({"end_of_silence_ms": 99}, "end_of_silence_ms"),
        ({"end_of_silence_ms": 5001}, "end_of_silence_ms"),
        ({"end_of_silence_ms": "500"}, "end_of_silence_ms"),
        ({"end_of_silence_ms": 500.5}, "end_of_silence_ms"),
        ({"end_of_silence_ms": True}, "end_of_silence_ms"),
    ],
)
async def test_a_wrong_value_is_named(
    client: Any, live: Any, body: dict[str, Any], changes: dict[str, Any], field: str
) -> None:
    error = await client.refused("POST", "/v1.0/transcribes", 400, "INVALID_ARGUMENT", json=body | changes)
    assert (error["status"], error["details"]) == ("INVALID_ARGUMENT", [{"field": field}])
    assert error["message"].startswith(f"{field}: ")
    assert live.asked == []


@pytest.mark.parametrize("field", ["reference_type", "reference_id", "language"])
async def test_a_missing_field_is_named(client: Any, body: dict[str, Any], field: str) -> None:
    del body[field]
    error = await client.refused("POST", "/v1.0/transcribes", 400, "INVALID_ARGUMENT", json=body)
    assert error["message"] == f"{field}: is required"


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"5", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"a":"\\ud800"}']
)
async def test_what_is_no_json_object(client: Any, text: bytes) -> None:
    await client.refused("POST", "/v1.0/transcribes", 400, "INVALID_JSON_BODY", data=text)


async def test_a_body_with_a_broken_encoding(client: Any) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    await client.refused("POST", "/v1.0/transcribes", 400, "INVALID_JSON_BODY", data=b"no gzip", headers=headers)


async def test_a_body_without_end(client: Any) -> None:
    error = await client.refused(
        "POST", "/v1.0/transcribes", 400, "INVALID_ARGUMENT", data=io.BytesIO(b" " * 1_100_000)
    )
    assert error["details"] == [{"field": "body"}]


_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(), st.lists)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.dictionaries(
        st.sampled_from(
            [
                "reference_type",
                "reference_id",
                "language",
                "direction",
                "on_end_flow_id",
                "provider",
                "end_of_silence_ms",
            ]
        ),
        _JSON,
        min_size=1,
    )
)
async def test_no_body_is_a_server_error(client: Any, body: dict[str, Any], changes: dict[str, Any]) -> None:
    assert (await client.post("/v1.0/transcribes", body | changes)).status in (200, 400, 403, 404, 409)


async def test_references_that_are_not_there(
    client: Any, store: Store, stranger: Customer, samples: Any, live: Any, body: dict[str, Any]
) -> None:
    async def refused(status: int, reason: str, **changes: str) -> None:
        await client.refused("POST", "/v1.0/transcribes", status, reason, json=body | changes)

    await refused(404, "CALL_NOT_FOUND", reference_id=new_id())
    await refused(404, "CONFERENCE_NOT_FOUND", reference_type="confbridge", reference_id=new_id())
    await refused(404, "CONFERENCE_NOT_FOUND", reference_type="conference", reference_id=new_id())
    await refused(404, "RECORDING_NOT_FOUND", reference_type="recording", reference_id=new_id())
    theirs = await store.calls.insert(samples.call(stranger.id))
    await refused(403, "PERMISSION_DENIED", reference_id=theirs.id)
    for status in set(CallStatus) - {CallStatus.PROGRESSING}:
        call = await store.calls.insert(samples.call(client.customer_id, status=status))
        await refused(409, "STATE_INVALID", reference_id=call.id)
    assert live.asked == []


async def test_what_the_live_part_refuses(client: Any, live: Any, body: dict[str, Any]) -> None:
    live.error = LanguageNotInstalled("de-DE")
    error = await client.refused("POST", "/v1.0/transcribes", 400, "LANGUAGE_NOT_INSTALLED", json=body)
    assert "callscribe models install de-DE" in error["message"]
    assert error["details"] == [{"field": "language"}]
    live.error = TranscribeAlreadyProgressing("this call is transcribed in en-US already")
    error = await client.refused("POST", "/v1.0/transcribes", 409, "TRANSCRIBE_ALREADY_PROGRESSING", json=body)
    assert error["status"] == "ALREADY_EXISTS"
    live.error = InvalidArgument("language", "unknown")
    await client.refused("POST", "/v1.0/transcribes", 400, "INVALID_ARGUMENT", json=body)
    live.error = Unavailable("no ports are left")
    answer = await client.post("/v1.0/transcribes", body)
    assert (answer.status, answer.json["error"]["status"], "Retry-After" in answer.headers) == (
        503,
        "UNAVAILABLE",
        True,
    )
    live.error = RecognitionOverloaded(0.73)
    answer = await client.post("/v1.0/transcribes", body)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
    error = answer.json["error"]
    assert (error["status"], error["reason"]) == ("UNAVAILABLE", "RECOGNITION_OVERLOADED")
    assert error["details"] == [{"limited_by": "recognition", "delay_ms": 730}]
    assert "0.7 s behind" in error["message"]


async def test_stopping(client: Any, store: Store, samples: Any, live: Any) -> None:
    transcribe = await store.transcribes.insert(samples.transcribe(client.customer_id))
    first = await client.ask("POST", f"/v1.0/transcribes/{transcribe.id}/stop")
    assert (first.status, first.json["status"]) == (200, "done")
    second = await client.ask("POST", f"/v1.0/transcribes/{transcribe.id}/stop")
    assert (second.status, second.json) == (200, first.json)
    assert live.asked == [{"transcribe_id": transcribe.id}]


@pytest.mark.parametrize(("method", "tail"), [("GET", ""), ("POST", "/stop"), ("DELETE", "")])
async def test_transcribes_that_cannot_be_had(
    client: Any, store: Store, stranger: Customer, samples: Any, live: Any, method: str, tail: str
) -> None:
    theirs = await store.transcribes.insert(samples.transcribe(stranger.id))
    await client.refused(method, f"/v1.0/transcribes/{theirs.id}{tail}", 403, "PERMISSION_DENIED")
    await client.refused(method, f"/v1.0/transcribes/{new_id()}{tail}", 404, "TRANSCRIBE_NOT_FOUND")
    await client.refused(method, f"/v1.0/transcribes/x{tail}", 400, "INVALID_ID")
    gone = await store.transcribes.insert(samples.transcribe(client.customer_id, tm_delete=samples.moment()))
    await client.refused(method, f"/v1.0/transcribes/{gone.id}{tail}", 404, "TRANSCRIBE_NOT_FOUND")
    query = {"transcribe_id": gone.id}
    await client.refused("GET", "/v1.0/transcripts", 404, "TRANSCRIBE_NOT_FOUND", params=query)
    assert live.asked == []
    assert (await client.get("/v1.0/transcribes")).json["result"] == []


async def test_listing_by_reference(client: Any, store: Store, samples: Any) -> None:
    wanted, other = [await store.transcribes.insert(samples.transcribe(client.customer_id)) for _ in range(2)]
    pair = {"reference_type": "call", "reference_id": wanted.reference_id.upper()}
    assert [row["id"] for row in (await client.get("/v1.0/transcribes", **pair)).json["result"]] == [wanted.id]
    assert [row["id"] for row in (await client.get("/v1.0/transcribes")).json["result"]] == [other.id, wanted.id]
    pair["reference_type"] = "conference"
    assert (await client.get("/v1.0/transcribes", **pair)).json["result"] == []
    for name in pair:
        half = {"params": {name: pair[name]}}
        await client.refused("GET", "/v1.0/transcribes", 400, "INVALID_REFERENCE_FILTER", **half)
    wrong = {"params": pair | {"reference_type": "room"}}
    await client.refused("GET", "/v1.0/transcribes", 400, "INVALID_REQUEST_PARAMETER", **wrong)
    wrong = {"params": pair | {"reference_id": "x"}}
    await client.refused("GET", "/v1.0/transcribes", 400, "INVALID_ID", **wrong)


async def test_transcripts(client: Any, store: Store, stranger: Customer, samples: Any) -> None:
    transcribe = await store.transcribes.insert(samples.transcribe(client.customer_id, status=TranscribeStatus.DONE))
    rows = [await store.transcripts.insert(samples.transcript(transcribe)) for _ in range(3)]
    await store.transcripts.insert(replace(samples.transcript(transcribe), tm_delete=samples.moment()))
    page = (await client.get("/v1.0/transcripts", transcribe_id=transcribe.id, page_size="2")).json
    assert [row["id"] for row in page["result"]] == [rows[2].id, rows[1].id]
    token = page["next_page_token"]
    rest = (await client.get("/v1.0/transcripts", transcribe_id=transcribe.id, page_token=token)).json
    assert [row["id"] for row in rest["result"]] == [rows[0].id]
    assert rest["result"][0]["tm_transcript"] == "0001-01-01 00:00:08.991840"
    empty = await store.transcribes.insert(samples.transcribe(client.customer_id))
    assert (await client.get("/v1.0/transcripts", transcribe_id=empty.id)).json == {"result": [], "next_page_token": ""}

    async def refused(status: int, reason: str, query: dict[str, str]) -> None:
        await client.refused("GET", "/v1.0/transcripts", status, reason, params=query)

    theirs = await store.transcribes.insert(samples.transcribe(stranger.id))
    await refused(400, "MISSING_REQUEST_PARAMETER", {})
    await refused(400, "MISSING_REQUEST_PARAMETER", {"transcribe_id": ""})
    await refused(400, "INVALID_ID", {"transcribe_id": "x"})
    await refused(404, "TRANSCRIBE_NOT_FOUND", {"transcribe_id": new_id()})
    await refused(403, "PERMISSION_DENIED", {"transcribe_id": theirs.id})


async def test_conferences_and_recordings(client: Any, store: Store, samples: Any, live: Any) -> None:
    room = await store.conferences.insert(samples.conference(client.customer_id))
    body = {"reference_type": "conference", "reference_id": room.id, "language": "en-US"}
    assert (await client.post("/v1.0/transcribes", body)).json["reference_type"] == "confbridge"
    await store.conferences.update(replace(room, status=ConferenceStatus.TERMINATED))
    await client.refused("POST", "/v1.0/transcribes", 409, "STATE_INVALID", json=body)
    recording = await store.recordings.insert(samples.recording(client.customer_id, status=RecordingStatus.RECORDING))
    body |= {"reference_type": "recording", "reference_id": recording.id}
    await client.refused("POST", "/v1.0/transcribes", 409, "STATE_INVALID", json=body)
    await store.recordings.update(replace(recording, status=RecordingStatus.ENDED))
    assert (await client.post("/v1.0/transcribes", body)).status == 200
    await store.recordings.update(replace(recording, tm_delete=samples.moment()))
    await client.refused("POST", "/v1.0/transcribes", 404, "RECORDING_NOT_FOUND", json=body)
    assert len(live.asked) == 2


async def test_the_flow_at_the_end(client: Any, store: Store, stranger: Customer, samples: Any, live: Any) -> None:
    call = await store.calls.insert(samples.call(client.customer_id))
    body = {"reference_type": "call", "reference_id": call.id, "language": "en-US"}
    own = await store.flows.insert(samples.flow(client.customer_id))
    theirs = await store.flows.insert(samples.flow(stranger.id))
    gone = await store.flows.insert(samples.flow(client.customer_id, tm_delete=samples.moment()))
    for flow_id in (new_id(), theirs.id, gone.id):
        wrong = body | {"on_end_flow_id": flow_id}
        error = await client.refused("POST", "/v1.0/transcribes", 400, "INVALID_ARGUMENT", json=wrong)
        assert error["details"] == [{"field": "on_end_flow_id"}]
    assert live.asked == []
    answer = await client.post("/v1.0/transcribes", body | {"on_end_flow_id": own.id.upper()})
    assert (answer.status, answer.json["on_end_flow_id"]) == (200, own.id)


async def test_deleting(client: Any, store: Store, samples: Any, live: Any) -> None:
    transcribe = await store.transcribes.insert(samples.transcribe(client.customer_id))
    path = f"/v1.0/transcribes/{transcribe.id}"
    gone = await client.delete(path)
    assert (gone.status, gone.json["id"], gone.json["tm_delete"][:2]) == (200, transcribe.id, "20")
    assert live.did == ["transcribes.delete"]
    for method, tail in (("GET", ""), ("DELETE", ""), ("POST", "/stop")):
        await client.refused(method, path + tail, 404, "TRANSCRIBE_NOT_FOUND")
