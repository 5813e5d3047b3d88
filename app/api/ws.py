"""`/v1.0/ws`: events as they happen (contract 6)."""

from __future__ import annotations

from aiohttp import web

from app.api.keys import CONTEXT, IDENTITY
from app.api.route import Need, Route


def routes() -> list[Route]:
    """Return the route of the feed."""
    return [Route("GET", "/v1.0/ws", serve_feed, status=101, need=Need.AGENT)]


async def serve_feed(request: web.Request) -> web.StreamResponse:
    """Become a WebSocket that sends the events of the topics it is told.

    Send `{"type":"subscribe","topics":["customer_id:CID:transcript:"]}`; a topic means all events whose topic begins
    with it. The socket is closed on a topic that is not yours.
    """
    return await request.app[CONTEXT].live_feed.serve(request, request[IDENTITY])
