"""A route as data: what the server routes by, who may take it, and what the OpenAPI document is generated from."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from inspect import cleandoc
from typing import Literal

from aiohttp import web
from pydantic import BaseModel

from app.api.request_body import RequestBody

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Method = Literal["GET", "POST", "PUT", "DELETE"]

_PATTERN = re.compile(r"\{(\w+):((?:[^{}]|\{[^{}]*\})+)\}")


class Need(Enum):
    """Who may take a route (contract 1.3); access keys act as their customer's admin."""

    NOBODY = "nobody"
    """No credential is asked for."""
    AGENT = "agent"
    MANAGER = "manager"
    """An admin or a manager."""
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Query:
    """A query parameter. `schema` is its JSON schema."""

    name: str
    schema: dict[str, object]
    text: str
    is_required: bool = False


PAGE_QUERY = (
    Query("page_size", {"type": "integer"}, "Rows on a page, 1 to 100; 100 where it is absent or out of range."),
    Query("page_token", {"type": "string"}, "The next_page_token of the page before; rows older than it."),
)
ID_SCHEMA: dict[str, object] = {"type": "string", "format": "uuid"}


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. `answer` None = an empty body; `is_page` = `{"result": [answer...], "next_page_token"}`.

    `errors` are the HTTP statuses that it answers beside those of every route; the document lists their reasons
    (contract 0.3). `media_type` is the answer's where it is not JSON; `status` 101 = it becomes a WebSocket.
    `is_open` = no credential is asked for; `need` is who may take it otherwise. `more_statuses` answer the same body,
    `has_envelope` False = its own errors (the log-in's) have no body.
    """

    method: Method
    path: str
    handler: Handler
    answer: type[BaseModel] | None = None
    body: type[RequestBody] | None = None
    query: tuple[Query, ...] = ()
    is_page: bool = False
    status: int = 200
    errors: tuple[int, ...] = ()
    media_type: str = "application/json"
    is_open: bool = False
    need: Need = Need.MANAGER
    more_statuses: tuple[int, ...] = ()
    has_envelope: bool = True

    @property
    def key(self) -> tuple[str, str]:
        """Method and path with bare names in braces: what makes it another route."""
        return self.method, _PATTERN.sub(r"{\1}", self.path)

    @property
    def text(self) -> str:
        """What it does: the handler's docstring."""
        return cleandoc(self.handler.__doc__ or "")

    @property
    def patterns(self) -> dict[str, str]:
        """The regular expression of each variable part of the path."""
        return dict(_PATTERN.findall(self.path))

    @property
    def definition(self) -> web.RouteDef:
        """The route for aiohttp; GET answers HEAD too, but not where a socket is opened."""
        if self.method == "GET":
            return web.get(self.path, self.handler, allow_head=self.status != 101)
        return web.route(self.method, self.path, self.handler)


def check_unique(routes: Iterable[Route]) -> dict[tuple[str, str], Route]:
    """Return the routes by their key; ValueError names what two of them want (a fault of ours: it stops the start)."""
    known: dict[tuple[str, str], Route] = {}
    for route in routes:
        if (other := known.get(route.key)) is not None:
            here, there = (f"{each.handler.__module__}.{each.handler.__name__}" for each in (other, route))
            raise ValueError(f"{' '.join(route.key)} is routed twice: to {here} and to {there}")
        known[route.key] = route
    return known


def get(
    path: str,
    handler: Handler,
    answer: type[BaseModel] | None,
    *query: Query,
    errors: tuple[int, ...] = (404,),
    need: Need = Need.MANAGER,
) -> Route:
    """Return the route that answers one resource."""
    return Route("GET", path, handler, answer, query=query, errors=errors, need=need)


def page(
    path: str,
    handler: Handler,
    answer: type[BaseModel],
    *query: Query,
    errors: tuple[int, ...] = (),
    need: Need = Need.MANAGER,
) -> Route:
    """Return the route that answers a page of resources."""
    return Route("GET", path, handler, answer, query=(*PAGE_QUERY, *query), is_page=True, errors=errors, need=need)


def post(
    path: str,
    handler: Handler,
    answer: type[BaseModel] | None,
    body: type[RequestBody] | None = None,
    *,
    errors: tuple[int, ...] = (),
    status: int = 200,
    need: Need = Need.MANAGER,
) -> Route:
    """Return the route that makes or does something."""
    return Route("POST", path, handler, answer, body, status=status, errors=errors, need=need)


def put(
    path: str,
    handler: Handler,
    answer: type[BaseModel] | None,
    body: type[RequestBody],
    *,
    errors: tuple[int, ...] = (404,),
    need: Need = Need.MANAGER,
) -> Route:
    """Return the route that changes a resource."""
    return Route("PUT", path, handler, answer, body, errors=errors, need=need)


def delete(
    path: str,
    handler: Handler,
    answer: type[BaseModel] | None,
    body: type[RequestBody] | None = None,
    *,
    errors: tuple[int, ...] = (404,),
    need: Need = Need.MANAGER,
) -> Route:
    """Return the route that deletes a resource, or ends a state of it."""
    return Route("DELETE", path, handler, answer, body, errors=errors, need=need)
