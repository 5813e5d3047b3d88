"""The web application: all routes, and around them what every request goes through."""

from __future__ import annotations

import base64
import re
import secrets
from functools import partial

import structlog
from aiohttp import web

from app.api import (
    accesskeys,
    activeflows,
    agents,
    calls,
    conferencecalls,
    conferences,
    customer,
    documentation,
    extensions,
    flows,
    groupcalls,
    languages,
    liveness,
    login,
    numbers,
    outbound_config,
    prompts,
    queuecalls,
    queues,
    recordings,
    speakings,
    transcribes,
    transcripts,
    transfers,
    trunks,
    webhook_deliveries,
    ws,
)
from app.api.authentication import Gate
from app.api.document import Document
from app.api.errors import INTERNAL, HttpError, RouteNotFound, http_error_of
from app.api.keys import CONTEXT, DOCUMENT, PASSWORDS, REQUEST_ID
from app.api.openapi import render_document
from app.api.passwords import Passwords
from app.api.ports import ApiContext
from app.api.responses import plain
from app.api.route import Handler, Route, check_unique
from app.errors import CallscribeError, InvalidArgument
from app.logs import get_log

log = get_log("api")

_MAX_BODY_BYTES = 1024 * 1024
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_REQUEST_ID_BYTES = 16  # 26 base32 characters without padding
_CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "X-Request-Id, Retry-After"}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Accept, Authorization, Content-Type, X-Request-Id, X-Requested-With",
    "Access-Control-Max-Age": "86400",
}


def all_routes() -> list[Route]:
    """Return every route of the API, in the order in which the documentation shows them."""
    return [
        *login.routes(),
        *customer.routes(),
        *agents.routes(),
        *accesskeys.routes(),
        *calls.routes(),
        *groupcalls.routes(),
        *transfers.routes(),
        *conferences.routes(),
        *conferencecalls.routes(),
        *queues.routes(),
        *queuecalls.routes(),
        *recordings.routes(),
        *speakings.routes(),
        *transcribes.routes(),
        *transcripts.routes(),
        *languages.routes(),
        *flows.routes(),
        *activeflows.routes(),
        *numbers.routes(),
        *extensions.routes(),
        *trunks.routes(),
        *outbound_config.routes(),
        *webhook_deliveries.routes(),
        *ws.routes(),
        *prompts.routes(),
        *liveness.routes(),
        *documentation.routes(),
    ]


def build_app(context: ApiContext) -> web.Application:
    """Return the web application; nothing runs until a server is opened for it."""
    routes = all_routes()
    gate = Gate(context.store, context.token_secret, context.rate_limits, check_unique(routes))

    @web.middleware
    async def pass_gate(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await gate.pass_through(request, handler)

    async def close_sockets(_app: web.Application) -> None:
        await context.live_feed.close()
        await context.media_streams.close()

    app = web.Application(middlewares=[_answer_everything, pass_gate], client_max_size=_MAX_BODY_BYTES)
    app[CONTEXT] = context
    app[PASSWORDS] = Passwords()
    app[DOCUMENT] = Document(partial(render_document, routes))
    app.on_response_prepare.append(_add_headers)
    app.on_shutdown.append(close_sockets)
    app.add_routes([route.definition for route in routes])
    return app


@web.middleware
async def _answer_everything(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The outermost layer: gives the request an id and turns every error into the envelope."""
    sent_id = request.headers.get("X-Request-Id", "")
    request[REQUEST_ID] = sent_id if _REQUEST_ID.fullmatch(sent_id) else _new_request_id()
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        return web.Response(status=204, headers=_PREFLIGHT)
    with structlog.contextvars.bound_contextvars(request_id=request[REQUEST_ID]):
        try:
            return await handler(request)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            if (known := await _without_slash(request)) is not None:
                return web.Response(status=307, headers={"Location": known})
            return _refuse(request, _of_aiohttp(error))
        except CallscribeError as error:
            told = http_error_of(error)
            if told is None:
                log.exception("request failed", method=request.method, route=_route(request))
            return _refuse(request, told or INTERNAL)
        except Exception:
            log.exception("request failed", method=request.method, route=_route(request))
            return _refuse(request, INTERNAL)


def _of_aiohttp(error: web.HTTPException) -> HttpError:
    """Return what aiohttp itself refuses, in our words; a wrong method is an unknown route (contract 0)."""
    if error.status in (404, 405):
        ours: CallscribeError = RouteNotFound("there is no such route")
    elif error.status == 413:
        ours = InvalidArgument("body", f"must not be larger than {_MAX_BODY_BYTES} bytes")
    else:
        ours = InvalidArgument("request", " ".join((error.text or error.reason).split()))
    return http_error_of(ours) or INTERNAL


async def _without_slash(request: web.Request) -> str | None:
    """Return the known address where this one is unknown for the `/` at its end; VoIPBIN's server sends there too."""
    path = request.rel_url.raw_path
    if request.match_info.http_exception is None or not path.endswith("/"):
        return None
    url = request.rel_url.with_path(path.rstrip("/"), encoded=True, keep_query=True)
    found = await request.app.router.resolve(request.clone(rel_url=url))
    return str(url) if found.http_exception is None else None


def _refuse(request: web.Request, error: HttpError) -> web.Response:
    answer = plain(error.envelope(request[REQUEST_ID]), status=error.http_status)
    if error.retry_after_seconds is not None:
        answer.headers["Retry-After"] = str(error.retry_after_seconds)
    return answer


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_CORS)
    if request_id := request.get(REQUEST_ID):
        response.headers["X-Request-Id"] = request_id


def _new_request_id() -> str:
    return "req_" + base64.b32encode(secrets.token_bytes(_REQUEST_ID_BYTES)).decode().rstrip("=")


def _route(request: web.Request) -> str:
    """Return the route's pattern for the log: a path may hold ids, a query tokens."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "unknown"
