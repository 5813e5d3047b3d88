"""`/v1.0/transcripts` (contract 4.6)."""

from __future__ import annotations

from aiohttp import web

from app.api.errors import MissingRequestParameter
from app.api.keys import CONTEXT, IDENTITY
from app.api.ownership import own
from app.api.request_query import page_query, query_id
from app.api.responses import page
from app.errors import NotFound
from app.wire.transcript import transcript_body


def routes() -> list[web.RouteDef]:
    """Return the routes of transcripts."""
    return [web.get("/v1.0/transcripts", list_transcripts)]


async def list_transcripts(request: web.Request) -> web.Response:
    """Answer a page of the transcripts of one transcribe, newest first."""
    transcribe_id = query_id(request, "transcribe_id")
    if transcribe_id is None:
        raise MissingRequestParameter("transcribe_id", "is required")
    wanted = page_query(request)
    store = request.app[CONTEXT].store
    transcribe = await own(store.transcribes, transcribe_id, request[IDENTITY])
    if transcribe.tm_delete is not None:
        raise NotFound("transcribe", transcribe.id)
    rows = await store.transcripts.list(transcribe.id, page_size=wanted.size, before=wanted.before)
    return page(rows, transcript_body)
