"""Reading paths and queries: ids and pages (contract 0.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from app.api.errors import InvalidId, InvalidRequestParameter, MissingRequestParameter
from app.domain.ids import is_id
from app.domain.timestamps import parse_timestamp

PATH_ID = "{id:[^/]+}"
"""An id in a route: anything, so that what is no id is told so and not that the route is unknown."""
MAX_PAGE_SIZE = 100
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which page is asked for: at most `size` rows made before `before`."""

    size: int
    before: datetime | None


def path_id(request: web.Request) -> str:
    """Return the id in the path in lower case; InvalidId when it is none."""
    return _checked("id", request.match_info["id"])


def query_id(request: web.Request, name: str) -> str | None:
    """Return a query parameter that is an id, None when it is absent or empty."""
    text = request.query.get(name, "")
    return _checked(name, text) if text else None


def query_choice(request: web.Request, name: str, choices: Sequence[str]) -> str:
    """Return a needed query parameter, one of `choices`; MissingRequestParameter, InvalidRequestParameter."""
    expected = f"expected one of {', '.join(choices)}"
    text = request.query.get(name, "")
    if not text:
        raise MissingRequestParameter(name, f"is required; {expected}")
    if text not in choices:
        raise InvalidRequestParameter(name, expected)
    return text


def page_query(request: web.Request) -> PageQuery:
    """Return `page_size` (1 to 100, else 100) and `page_token` (a tm_create in either form)."""
    size = MAX_PAGE_SIZE
    if text := request.query.get("page_size", "").strip():
        if _NUMBER.fullmatch(text) is None:
            raise InvalidRequestParameter("page_size", "expected a whole number")
        size = int(text) if 0 < int(text) <= MAX_PAGE_SIZE else MAX_PAGE_SIZE
    before = None
    if text := request.query.get("page_token", "").strip():
        try:
            before = parse_timestamp(text)
        except (ValueError, OverflowError):
            raise InvalidRequestParameter("page_token", "expected the next_page_token of an earlier page") from None
    return PageQuery(size, before)


def _checked(name: str, text: str) -> str:
    if not is_id(text):
        raise InvalidId(name, "expected a UUID")
    return text.lower()
