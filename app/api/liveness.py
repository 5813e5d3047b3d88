"""`/ping`, `/health` and `/metrics`: for whoever watches over this instance. They need no credentials."""

from __future__ import annotations

from typing import Literal

from aiohttp import web
from pydantic import BaseModel

from app.api.keys import CONTEXT
from app.api.responses import one
from app.api.route import Route


class PingBody(BaseModel):
    """The process lives."""

    message: Literal["pong"] = "pong"


class MissingPartBody(BaseModel):
    """A part without which no call is answered and transcribed."""

    part: str
    reason: str


class HealthBody(BaseModel):
    """Whether a call would be answered and transcribed now; `parts` are further facts."""

    status: Literal["ok", "unavailable"]
    missing: tuple[MissingPartBody, ...]
    parts: dict[str, object]


def routes() -> list[Route]:
    """Return the routes for watchers."""
    return [
        Route("GET", "/ping", ping, PingBody, is_open=True),
        Route("GET", "/health", get_health, HealthBody, is_open=True, more_statuses=(503,)),
        Route("GET", "/metrics", get_metrics, media_type="text/plain", is_open=True),
    ]


async def ping(_request: web.Request) -> web.Response:
    """Answer that the process is alive."""
    return one(PingBody())


async def get_health(request: web.Request) -> web.Response:
    """Answer 200 when a call would be answered and transcribed now, else 503 with what is missing."""
    report = await request.app[CONTEXT].health()
    missing = tuple(MissingPartBody(part=part, reason=reason) for part, reason in report.missing.items())
    body = HealthBody(status="ok" if report.is_healthy else "unavailable", missing=missing, parts=dict(report.parts))
    return one(body, status=200 if report.is_healthy else 503)


async def get_metrics(request: web.Request) -> web.Response:
    """Answer the Prometheus text."""
    text = request.app[CONTEXT].metrics()
    return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})
