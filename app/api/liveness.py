"""`/ping`, `/health` and `/metrics`: for whoever watches over this instance. They need no credentials."""

from __future__ import annotations

from aiohttp import web

from app.api.keys import CONTEXT
from app.api.responses import plain


def routes() -> list[web.RouteDef]:
    """Return the routes for watchers."""
    return [web.get("/ping", ping), web.get("/health", get_health), web.get("/metrics", get_metrics)]


async def ping(_request: web.Request) -> web.Response:
    """Answer that the process is alive."""
    return plain({"message": "pong"})


async def get_health(request: web.Request) -> web.Response:
    """Answer 200 when a call would be answered and transcribed now, else 503 with what is missing."""
    report = await request.app[CONTEXT].health()
    missing = [{"part": part, "reason": reason} for part, reason in report.missing.items()]
    status = "ok" if report.is_healthy else "unavailable"
    body = {"status": status, "missing": missing, "parts": dict(report.parts)}
    return plain(body, status=200 if report.is_healthy else 503)


async def get_metrics(request: web.Request) -> web.Response:
    """Answer the Prometheus text."""
    text = request.app[CONTEXT].metrics()
    return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})
