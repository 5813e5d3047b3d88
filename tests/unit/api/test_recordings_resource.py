"""`/v1.0/recordings` and the signed links of their files."""

from typing import Any

import pytest

from app.api.recording_links import LINK_SECONDS, is_link_good, make_link
from app.domain.customer import Customer
from app.domain.ids import new_id
from app.domain.recording import Recording, RecordingStatus
from app.domain.transcribe import ReferenceType
from app.store import Store

SECRET = b"s" * 32


async def stored_recording(store: Store, samples: Any, customer_id: str, **fields: Any) -> Recording:
    moment = samples.moment()
    made = {
        "id": new_id(),
        "customer_id": customer_id,
        "reference_type": ReferenceType.CALL,
        "reference_id": new_id(),
        "status": RecordingStatus.ENDED,
        "tm_create": moment,
        "tm_update": moment,
    }
    return await store.recordings.insert(Recording(**(made | fields)))


async def test_list_get_delete(client: Any, store: Store, samples: Any, stranger: Customer) -> None:
    mine = await stored_recording(store, samples, client.customer_id)
    theirs = await stored_recording(store, samples, stranger.id)
    assert [each["id"] for each in (await client.get("/v1.0/recordings")).json["result"]] == [mine.id]
    assert (await client.get(f"/v1.0/recordings/{mine.id}")).json["status"] == "ended"
    for path in (f"/v1.0/recordings/{theirs.id}", f"/v1.0/recordingfiles/{theirs.id}"):
        await client.refused("GET", path, 403, "PERMISSION_DENIED")
    await client.refused("DELETE", f"/v1.0/recordings/{theirs.id}", 403, "PERMISSION_DENIED")
    assert (await client.delete(f"/v1.0/recordings/{mine.id}")).json["tm_delete"]
    await client.refused("GET", f"/v1.0/recordings/{mine.id}", 404, "RECORDING_NOT_FOUND")
    await client.refused("GET", f"/v1.0/recordingfiles/{mine.id}", 404, "RECORDING_NOT_FOUND")


async def test_a_recording_that_goes_on_is_not_deleted(client: Any, store: Store, samples: Any) -> None:
    recording = await stored_recording(store, samples, client.customer_id, status=RecordingStatus.RECORDING)
    await client.refused("DELETE", f"/v1.0/recordings/{recording.id}", 409, "STATE_INVALID")


async def test_files_are_served_by_signed_links(client: Any, live: Any, store: Store, samples: Any) -> None:
    recording = await stored_recording(store, samples, client.customer_id)
    await client.refused("GET", f"/v1.0/recordingfiles/{recording.id}", 404, "FILE_NOT_FOUND")
    for name, content in (("", b"both sides"), ("_in", b"the caller")):
        (live.prompts / f"{recording.id}{name}.wav").write_bytes(content)
    redirect = await client.ask("GET", f"/v1.0/recordingfiles/{recording.id}", allow_redirects=False)
    assert (redirect.status, redirect.raw) == (307, b"")
    link = redirect.headers["Location"]
    client.key = None
    answer = await client.ask("GET", link)
    assert (answer.status, answer.raw, answer.headers["Content-Type"]) == (200, b"both sides", "audio/wav")
    assert f'filename="call_{recording.id}.wav"' in answer.headers["Content-Disposition"]
    part = await client.ask("GET", link, headers={"Range": "bytes=5-9"})
    assert (part.status, part.raw, part.headers["Content-Range"]) == (206, b"sides", "bytes 5-9/10")
    await client.refused("GET", f"{link}&part=in", 403, "PERMISSION_DENIED")
    await client.refused("GET", link.replace("signature=", "signature=0"), 403, "PERMISSION_DENIED")
    await client.refused("GET", link.replace(recording.id, new_id()), 403, "PERMISSION_DENIED")
    await client.refused("GET", f"/recordings/files/{recording.id}.wav", 403, "PERMISSION_DENIED")


async def test_one_side_and_following_the_redirect(client: Any, live: Any, store: Store, samples: Any) -> None:
    recording = await stored_recording(store, samples, client.customer_id)
    (live.prompts / f"{recording.id}_in.wav").write_bytes(b"the caller")
    path = f"/v1.0/recordingfiles/{recording.id}"
    assert (await client.get(path, part="in")).raw == b"the caller"
    await client.refused("GET", path, 404, "FILE_NOT_FOUND", params={"part": "out"})
    error = await client.refused("GET", path, 400, "INVALID_REQUEST_PARAMETER", params={"part": "both"})
    assert error["details"][0]["field"] == "part"


async def test_a_deleted_recording_is_not_served_by_an_old_link(
    client: Any, live: Any, store: Store, samples: Any
) -> None:
    recording = await stored_recording(store, samples, client.customer_id)
    (live.prompts / f"{recording.id}.wav").write_bytes(b"x")
    path = f"/v1.0/recordingfiles/{recording.id}"
    link = (await client.ask("GET", path, allow_redirects=False)).headers["Location"]
    await client.delete(f"/v1.0/recordings/{recording.id}")
    await client.refused("GET", link, 404, "FILE_NOT_FOUND")


@pytest.mark.parametrize(("later", "is_good"), [(0, True), (LINK_SECONDS, True), (LINK_SECONDS + 1, False)])
def test_links_expire(later: int, is_good: bool) -> None:
    recording_id = new_id()
    link = make_link(SECRET, recording_id, "in", 1000.0)
    query = dict(each.split("=") for each in link.partition("?")[2].split("&"))
    assert is_link_good(SECRET, recording_id, "in", query["expires"], query["signature"], 1000.0 + later) is is_good
    assert not is_link_good(b"t" * 32, recording_id, "in", query["expires"], query["signature"], 1000.0)
    longer = str(int(query["expires"]) + 1)
    assert not is_link_good(SECRET, recording_id, "in", longer, query["signature"], 1000.0)
