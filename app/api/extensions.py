"""`/v1.0/extensions`: SIP phones (contract 5)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated

from aiohttp import web
from pydantic import AfterValidator, Field

from app.api.keys import CONTEXT, IDENTITY
from app.api.numbers import DIRECT_PREFIX
from app.api.ownership import own_present
from app.api.ports import ApiContext
from app.api.request_body import RequestBody, read_body
from app.api.request_query import PATH_ID, page_query, path_id
from app.api.resource_writes import change, create
from app.api.resource_writes import delete as delete_resource
from app.api.responses import one
from app.api.responses import page as answer_page
from app.api.route import Route, delete, get, page, post, put
from app.api.sip_credentials import PhonePassword, make_password
from app.api.texts import Detail, Name
from app.domain.events import EventType
from app.domain.ids import new_direct_hash, new_id
from app.domain.line import Extension
from app.domain.timestamps import now
from app.errors import AlreadyExists, InvalidArgument
from app.store import Transaction
from app.wire.line import ExtensionBody, extension_body

_EXTENSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_RESERVED = frozenset({"anonymous", "outgoing"})
_RESERVED_PREFIXES = (DIRECT_PREFIX, "trunk-")
"""What Asterisk's endpoints of other kinds are called: a phone's user name is its endpoint's."""
_CUSTOMER_PART = 8
"""How much of the customer's id makes a user name unique."""


def _check_extension(text: str) -> str:
    if not _EXTENSION.fullmatch(text):
        raise ValueError("expected a letter or digit, then at most 31 letters, digits or - _ .")
    if text.lower() in _RESERVED or text.lower().startswith(_RESERVED_PREFIXES):
        raise ValueError(f"{text} is reserved; expected another name")
    return text


class ExtensionOrder(RequestBody):
    """The body of POST /v1.0/extensions."""

    extension: Annotated[str, AfterValidator(_check_extension)] = Field(
        description="What others dial: a letter or digit, then at most 31 letters, digits or - _ .", examples=["2001"]
    )
    password: PhonePassword = Field("", description="8 to 128 characters; absent = one of 20 is made")
    name: Name = ""
    detail: Detail = ""


class ExtensionChange(RequestBody):
    """The body of PUT /v1.0/extensions/{id}; what is not sent stays as it is."""

    name: Name = ""
    detail: Detail = ""
    password: PhonePassword = Field("", description='8 to 128 characters; absent or "" = it stays')
    extension: str = Field("", description="Cannot be changed: absent, or what it is")


def routes() -> list[Route]:
    """Return the routes of extensions."""
    one_path = f"/v1.0/extensions/{PATH_ID}"
    return [
        page("/v1.0/extensions", list_extensions, ExtensionBody),
        post("/v1.0/extensions", create_extension, ExtensionBody, ExtensionOrder, errors=(409,)),
        get(one_path, get_extension, ExtensionBody),
        put(one_path, change_extension, ExtensionBody, ExtensionChange),
        delete(one_path, delete_extension, ExtensionBody),
        post(f"{one_path}/direct-hash-regenerate", regenerate_extension_hash, ExtensionBody, errors=(404,)),
    ]


async def list_extensions(request: web.Request) -> web.Response:
    """List your phones, newest first."""
    wanted = page_query(request)
    table = request.app[CONTEXT].store.extensions
    rows = await table.list(request[IDENTITY].customer_id, page_size=wanted.size, before=wanted.before)
    return answer_page(rows, extension_body)


async def create_extension(request: web.Request) -> web.Response:
    """Let a SIP phone in: it registers as `username` with `password`, and is called by dialling `extension`."""
    asked = await read_body(request, ExtensionOrder)
    context, customer_id = request.app[CONTEXT], request[IDENTITY].customer_id

    async def make(tx: Transaction) -> Extension:
        await _check_free(context, tx, customer_id, asked.extension)
        moment = now()
        return Extension(
            id=new_id(),
            customer_id=customer_id,
            extension=asked.extension,
            username=await _choose_username(tx, customer_id, asked.extension),
            password=asked.password or make_password(),
            domain_name=f"{customer_id}.registrar.{context.sip_domain}",
            tm_create=moment,
            tm_update=moment,
            name=asked.name,
            detail=asked.detail,
            direct_hash=new_direct_hash(),
        )

    made = await create(context.journal, lambda tx: tx.extensions, make, EventType.EXTENSION_CREATED)
    await context.phones.sync()
    return one(extension_body(made))


async def get_extension(request: web.Request) -> web.Response:
    """Show a phone with its credentials."""
    return one(extension_body(await _own_extension(request)))


async def change_extension(request: web.Request) -> web.Response:
    """Change a phone's name, detail or password; with a new password it has to register again."""
    asked = await read_body(request, ExtensionChange)
    extension = await _own_extension(request)
    if asked.extension not in ("", extension.extension):
        raise InvalidArgument("extension", f"is {extension.extension} and cannot be changed; make another extension")
    changes = {name: value for name, value in asked.sent().items() if name != "extension"}
    if not asked.password:
        changes.pop("password", None)
    return await _apply(request, extension, changes)


async def delete_extension(request: web.Request) -> web.Response:
    """Let a phone in no more."""
    context, extension = request.app[CONTEXT], await _own_extension(request)
    deleted = await delete_resource(
        context.journal, lambda tx: tx.extensions, extension.id, EventType.EXTENSION_DELETED
    )
    await context.phones.sync()
    return one(extension_body(deleted))


async def regenerate_extension_hash(request: web.Request) -> web.Response:
    """Give a phone a new `direct_hash`: `sip:direct.HASH@...` calls it, the old hash no longer."""
    return await _apply(request, await _own_extension(request), {"direct_hash": new_direct_hash()})


async def _apply(request: web.Request, extension: Extension, changes: dict[str, str]) -> web.Response:
    async def apply(_tx: Transaction, current: Extension) -> Extension:
        return replace(current, **changes)  # type: ignore[arg-type]

    context = request.app[CONTEXT]
    changed = await change(context.journal, lambda tx: tx.extensions, extension.id, apply, EventType.EXTENSION_UPDATED)
    await context.phones.sync()
    return one(extension_body(changed))


async def _check_free(context: ApiContext, tx: Transaction, customer_id: str, extension: str) -> None:
    """Raise AlreadyExists when an extension, a number or a flow file of the customer is dialled so."""
    taken: str | None = None
    if (other := await tx.extensions.find(customer_id, extension)) is not None:
        taken = f"it is your extension {other.id}"
    elif (number := await tx.numbers.find(extension)) is not None and number.customer_id == customer_id:
        taken = f"it is your number {number.id}"
    elif (flow := context.flows.find_number(extension)) is not None and any(
        each.id == flow.id for each in context.flows.files(customer_id)
    ):
        taken = f"the flow file {flow.name_key}.json answers it"
    if taken is not None:
        raise AlreadyExists(f"extension: {extension} is taken: {taken}", field="extension")


async def _choose_username(tx: Transaction, customer_id: str, extension: str) -> str:
    """Return the extension itself where nobody registers so, else with a part of the customer's id."""
    for username in (extension, f"{extension}.{customer_id[:_CUSTOMER_PART]}", f"{extension}.{customer_id}"):
        if await tx.extensions.find_by_username(username) is None and not await _is_of_a_trunk(tx, username):
            return username
    raise AlreadyExists(f"extension: {extension} is taken: another phone registers so", field="extension")


async def _is_of_a_trunk(tx: Transaction, username: str) -> bool:
    return any(trunk.username == username for trunk in await tx.trunks.list_all())


async def _own_extension(request: web.Request) -> Extension:
    return await own_present(request.app[CONTEXT].store.extensions, path_id(request), request[IDENTITY])
