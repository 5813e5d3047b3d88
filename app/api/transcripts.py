"""`/v1.0/transcripts` (contract 4.6)."""

from __future__ import annotations

from aiohttp import web

from app.api.errors import MissingRequestParameter
from app.api.keys import CONTEXT, IDENTITY
from app.api.ownership import own_present
from app.api.request_query import page_query, query_id
from app.api.responses import page
from app.api.route import ID_SCHEMA, Query, Route
from app.api.route import page as page_route
from app.wire.transcript import TranscriptBody, transcript_body

_OF_WHICH = Query("transcribe_id", ID_SCHEMA, "The transcribe whose transcripts are wanted.", is_required=True)


def routes() -> list[Route]:
    """Return the routes of transcripts."""
    return [page_route("/v1.0/transcripts", list_transcripts, TranscriptBody, _OF_WHICH, errors=(404,))]


async def list_transcripts(request: web.Request) -> web.Response:
    """Answer a page of the transcripts of one transcribe, newest first."""
    transcribe_id = query_id(request, "transcribe_id")
    if transcribe_id is None:
        raise MissingRequestParameter("transcribe_id", "is required")
    wanted = page_query(request)
    store = request.app[CONTEXT].store
    transcribe = await own_present(store.transcribes, transcribe_id, request[IDENTITY])
    rows = await store.transcripts.list(transcribe.id, page_size=wanted.size, before=wanted.before)
    return page(rows, transcript_body)
