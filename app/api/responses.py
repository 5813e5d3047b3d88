"""Answers: one body, or a page of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from aiohttp import web
from pydantic import BaseModel
from pydantic_core import to_json

from app.domain.timestamps import format_timestamp

_JSON = "application/json"


class Created(Protocol):
    """What a list holds: something with the moment that pages go by."""

    @property
    def tm_create(self) -> datetime:
        """When it was made."""
        ...


T = TypeVar("T", bound=Created)


def one(body: BaseModel, *, status: int = 200) -> web.Response:
    """Answer with one body."""
    return web.Response(body=body.model_dump_json().encode(), content_type=_JSON, status=status)


def plain(value: object, *, status: int = 200) -> web.Response:
    """Answer with any JSON-ready value."""
    return web.Response(body=to_json(value), content_type=_JSON, status=status)


def page(rows: Sequence[T], body_of: Callable[[T], BaseModel]) -> web.Response:
    """Answer with a page: its token is the last row's tm_create, "" on an empty page.

    The token is there also on what may be the last page: clients that stop at an empty token and clients that stop at
    an empty page both come to an end (contract 0.1).
    """
    token = format_timestamp(rows[-1].tm_create) if rows else ""
    bodies = ",".join(body_of(row).model_dump_json() for row in rows)
    text = f'{{"result":[{bodies}],"next_page_token":"{token}"}}'
    return web.Response(body=text.encode(), content_type=_JSON)
