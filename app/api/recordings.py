"""`/v1.0/recordings` and `/v1.0/recordingfiles` (contract 4.4)."""

from __future__ import annotations

import time

from aiohttp import web

from app.api.errors import InvalidRequestParameter
from app.api.keys import CONTEXT, IDENTITY
from app.api.ownership import own_present
from app.api.recording_links import PARTS, is_link_good, make_link
from app.api.request_query import PATH_ID, page_query, path_id
from app.api.responses import one
from app.api.responses import page as answer_page
from app.api.route import Query, Route, delete, get, page
from app.domain.ids import is_id
from app.domain.recording import RECORDING_FORMATS, Recording
from app.errors import NotFound, PermissionDenied
from app.wire.recording import RecordingBody, recording_body

_ONE = f"/v1.0/recordings/{PATH_ID}"
_PART = Query("part", {"type": "string", "enum": list(PARTS)}, "One side alone, mono: in = what the party said.")
_SIGNED = (
    Query("expires", {"type": "string"}, "As in the link.", is_required=True),
    Query("signature", {"type": "string"}, "As in the link.", is_required=True),
)


def routes() -> list[Route]:
    """Return the routes of recordings and their files."""
    return [
        page("/v1.0/recordings", list_recordings, RecordingBody),
        get(_ONE, get_recording, RecordingBody),
        delete(_ONE, delete_recording, RecordingBody, errors=(404, 409)),
        Route("GET", f"/v1.0/recordingfiles/{PATH_ID}", redirect_to_file, query=(_PART,), status=307, errors=(404,)),
        Route(
            "GET",
            "/recordings/files/{id:[^/.]+}.wav",
            get_file,
            query=(*_SIGNED, _PART),
            errors=(403, 404),
            media_type="audio/wav",
            is_open=True,
        ),
    ]


async def list_recordings(request: web.Request) -> web.Response:
    """List your recordings, newest first, those that go on too."""
    wanted = page_query(request)
    table = request.app[CONTEXT].store.recordings
    rows = await table.list(request[IDENTITY].customer_id, page_size=wanted.size, before=wanted.before)
    return answer_page(rows, recording_body)


async def get_recording(request: web.Request) -> web.Response:
    """Show a recording."""
    return one(recording_body(await _own_recording(request)))


async def delete_recording(request: web.Request) -> web.Response:
    """Delete a recording that has ended, and its files."""
    recording = await _own_recording(request)
    return one(recording_body(await request.app[CONTEXT].recordings.delete(recording.customer_id, recording.id)))


async def redirect_to_file(request: web.Request) -> web.Response:
    """Redirect to a recording's sound: a link that is good for an hour, without a credential.

    A WAV file, 8 kHz 16-bit; of a call in stereo, left = what the party said, right = what it heard. A recording whose
    `format` is mp3 or ogg is answered so, its sides are WAV.
    """
    recording, context = await _own_recording(request), request.app[CONTEXT]
    part = _part(request)
    if context.recordings.file(recording, part) is None:
        raise NotFound("file", recording.id)
    link = make_link(context.token_secret, recording.id, part, time.time())
    return web.Response(status=307, headers={"Location": link, "Cache-Control": "no-store"})


async def get_file(request: web.Request) -> web.StreamResponse:
    """Answer the sound that a link of `/v1.0/recordingfiles/{id}` leads to; ranges of it can be asked for."""
    context, recording_id, part = request.app[CONTEXT], request.match_info["id"], _part(request)
    query = request.query
    is_good = is_id(recording_id) and is_link_good(
        context.token_secret, recording_id, part, query.get("expires", ""), query.get("signature", ""), time.time()
    )
    if not is_good:
        raise PermissionDenied("this link is wrong or has expired; get a new one at /v1.0/recordingfiles/{id}")
    recording = await context.store.recordings.get_by_id(recording_id)
    path = None if recording is None or recording.tm_delete else context.recordings.file(recording, part)
    if path is None or recording is None or not path.is_file():
        raise NotFound("file", recording_id)
    kind = path.suffix.removeprefix(".")
    name = f"{recording.reference_type}_{recording.id}{'_' if part else ''}{part}.{kind}"
    headers = {
        "Content-Type": RECORDING_FORMATS[kind],
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-store",
    }
    return web.FileResponse(path, headers=headers)


def _part(request: web.Request) -> str:
    part = request.query.get("part", "")
    if part not in PARTS:
        raise InvalidRequestParameter("part", "expected in or out, or nothing for both")
    return part


async def _own_recording(request: web.Request) -> Recording:
    return await own_present(request.app[CONTEXT].store.recordings, path_id(request), request[IDENTITY])
