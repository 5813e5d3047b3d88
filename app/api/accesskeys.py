"""`/v1.0/accesskeys`: keys for programs (contract 1.3). For admins only."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from app.api.keys import CONTEXT, IDENTITY
from app.api.ownership import own_present
from app.api.request_body import RequestBody, read_body
from app.api.request_query import PATH_ID, page_query, path_id
from app.api.responses import one
from app.api.responses import page as answer_page
from app.api.route import Need, Route, delete, get, page, post, put
from app.api.texts import Detail, Name
from app.api.tokens import hash_key, make_key, shown_part
from app.domain.customer import AccessKey
from app.domain.ids import new_id
from app.domain.timestamps import now
from app.wire.customer import AccessKeyBody, access_key_body

_DAY_SECONDS = 86_400
_MOST_SECONDS = 100 * 366 * _DAY_SECONDS


class AccessKeyOrder(RequestBody):
    """The body of POST /v1.0/accesskeys."""

    name: Name = ""
    detail: Detail = ""
    expire: Annotated[
        int | None,
        Field(ge=_DAY_SECONDS, le=_MOST_SECONDS, description="Seconds until it expires; absent: it never does"),
    ] = None


class AccessKeyChange(RequestBody):
    """The body of PUT /v1.0/accesskeys/{id}; what is not sent stays as it is."""

    name: Name | None = None
    detail: Detail | None = None


def routes() -> list[Route]:
    """Return the routes of access keys."""
    one_path = f"/v1.0/accesskeys/{PATH_ID}"
    return [
        page("/v1.0/accesskeys", list_access_keys, AccessKeyBody, need=Need.ADMIN),
        post("/v1.0/accesskeys", create_access_key, AccessKeyBody, AccessKeyOrder, need=Need.ADMIN),
        get(one_path, get_access_key, AccessKeyBody, need=Need.ADMIN),
        put(one_path, change_access_key, AccessKeyBody, AccessKeyChange, need=Need.ADMIN),
        delete(one_path, delete_access_key, AccessKeyBody, need=Need.ADMIN),
    ]


async def list_access_keys(request: web.Request) -> web.Response:
    """List the access keys of your customer, without their secrets."""
    wanted = page_query(request)
    table = request.app[CONTEXT].store.access_keys
    rows = await table.list(request[IDENTITY].customer_id, page_size=wanted.size, before=wanted.before)
    return answer_page(rows, access_key_body)


async def create_access_key(request: web.Request) -> web.Response:
    """Make an access key. Its `token` is shown in this answer and never again.

    A key acts as an admin of its customer, in any place where a token does.
    """
    asked = await read_body(request, AccessKeyOrder)
    secret, moment = make_key(), now()
    key = AccessKey(
        id=new_id(),
        customer_id=request[IDENTITY].customer_id,
        name=asked.name,
        detail=asked.detail,
        token_hash=hash_key(secret),
        token_prefix=shown_part(secret),
        tm_expire=None if asked.expire is None else moment + timedelta(seconds=asked.expire),
        tm_create=moment,
        tm_update=moment,
    )
    stored = await request.app[CONTEXT].store.access_keys.insert(key)
    return one(access_key_body(stored, token=secret))


async def get_access_key(request: web.Request) -> web.Response:
    """Show an access key, without its secret."""
    table = request.app[CONTEXT].store.access_keys
    return one(access_key_body(await own_present(table, path_id(request), request[IDENTITY])))


async def change_access_key(request: web.Request) -> web.Response:
    """Rename an access key; what is not sent stays as it is."""
    asked = await read_body(request, AccessKeyChange)
    return await _change(request, **asked.sent())


async def delete_access_key(request: web.Request) -> web.Response:
    """Delete an access key: it lets nobody in any more, from now on."""
    return await _change(request, tm_delete=now())


async def _change(request: web.Request, **changes: Any) -> web.Response:
    async with request.app[CONTEXT].store.transaction() as tx:
        key = await own_present(tx.access_keys, path_id(request), request[IDENTITY])
        changed = replace(key, **changes, tm_update=now())
        await tx.access_keys.update(changed)
    request.app[CONTEXT].live_feed.recheck()
    return one(access_key_body(changed))
