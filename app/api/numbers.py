"""`/v1.0/numbers` and `/v1.0/available_numbers` (contract 5): what callers dial, and the flow that answers it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from aiohttp import web
from pydantic import AfterValidator, BaseModel, Field

from app.api.addresses import is_tel
from app.api.errors import InvalidRequestParameter
from app.api.flow_fields import check_flow_reference
from app.api.keys import CONTEXT, IDENTITY
from app.api.ownership import own_present
from app.api.ports import ApiContext
from app.api.request_body import OptionalBodyId, RequestBody, read_body
from app.api.request_query import PATH_ID, page_query, path_id
from app.api.resource_writes import change, create
from app.api.resource_writes import delete as delete_resource
from app.api.responses import one
from app.api.responses import page as answer_page
from app.api.route import PAGE_QUERY, Query, Route, delete, get, page, post, put
from app.api.texts import Detail, Name
from app.domain.events import Event, EventType
from app.domain.ids import ZERO_ID, new_id
from app.domain.line import Number, NumberType
from app.domain.timestamps import now
from app.errors import AlreadyExists, InvalidArgument
from app.store import Transaction
from app.wire.line import NumberBody, number_body

VIRTUAL_PREFIX = "+899"
DIRECT_PREFIX = "direct."
"""What begins so is dialled directly (contract 3.6) and is nobody's number."""
_VIRTUAL_DIGITS = 9
_RESERVED = 1_000_000
"""Virtual numbers below this one (`+899000...`) are reserved."""
_VIRTUAL = re.compile(r"\+899(?!000)[0-9]{9}")
_PRIVATE = re.compile(r"(?=[^A-Za-z0-9]*[A-Za-z0-9])[A-Za-z0-9._*-]{1,64}")
_MOST_RENEWED = 1000
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_TRIES_EACH = 20


def type_of(number: str) -> NumberType | None:
    """Return the type of a number, None when it cannot be one."""
    if number.startswith(VIRTUAL_PREFIX):
        return NumberType.VIRTUAL if _VIRTUAL.fullmatch(number) else None
    is_private = _PRIVATE.fullmatch(number) is not None and not number.startswith(DIRECT_PREFIX)
    return NumberType.NORMAL if is_tel(number) or is_private else None


def _check_number(number: str) -> str:
    if type_of(number) is None:
        raise ValueError(
            "expected + and 7 to 15 digits, a virtual number (+899 and nine digits, not +899000...), or 1 to 64 "
            "letters, digits or . _ * - for a private one"
        )
    return number


class NumberOrder(RequestBody):
    """The body of POST /v1.0/numbers. The type is told by the number; a `type` that differs is refused."""

    number: Annotated[str, Field(max_length=64), AfterValidator(_check_number)] = Field(
        description="E.164 (+15551234567), virtual (+899 and nine digits), or private: digits or a SIP user part",
        examples=["+15551234567"],
    )
    type: NumberType | None = None
    name: Name = ""
    detail: Detail = ""
    call_flow_id: OptionalBodyId = ZERO_ID
    message_flow_id: OptionalBodyId = ZERO_ID


class FlowIdsChange(RequestBody):
    """The body of PUT /v1.0/numbers/{id}/flow_ids; what is not sent stays as it is."""

    call_flow_id: OptionalBodyId = ZERO_ID
    message_flow_id: OptionalBodyId = ZERO_ID


class NumberChange(FlowIdsChange):
    """The body of PUT /v1.0/numbers/{id}; what is not sent stays as it is."""

    name: Name = ""
    detail: Detail = ""


class MetadataChange(RequestBody):
    """The body of PUT /v1.0/numbers/{id}/metadata."""

    rtp_debug: bool = False


class Renewal(RequestBody):
    """The body of POST /v1.0/numbers/renew: numbers or their ids; all where it has none."""

    numbers: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=_MOST_RENEWED)] = Field(
        default_factory=list
    )


class AvailableNumberBody(BaseModel):
    """A number that POST /v1.0/numbers would take now."""

    number: str
    type: NumberType
    country: str = ""
    region: str = ""
    postal_code: str = ""
    features: tuple[str, ...] = ("voice",)


class AvailableNumbersBody(BaseModel):
    """Some numbers to choose from; another request has others."""

    result: tuple[AvailableNumberBody, ...]
    next_page_token: str = ""


class RenewedBody(BaseModel):
    """The numbers that were renewed."""

    result: tuple[NumberBody, ...]
    next_page_token: str = ""


_AVAILABLE_QUERY = (
    PAGE_QUERY[0],
    Query("country_code", {"type": "string"}, "Two letters. Virtual numbers are in no country, so it changes nothing."),
    Query("type", {"type": "string", "enum": ["virtual", "normal"]}, "Of type normal there are none to take here."),
)


def routes() -> list[Route]:
    """Return the routes of numbers."""
    one_path = f"/v1.0/numbers/{PATH_ID}"
    return [
        page("/v1.0/numbers", list_numbers, NumberBody),
        post("/v1.0/numbers", create_number, NumberBody, NumberOrder, errors=(409,)),
        post("/v1.0/numbers/renew", renew_numbers, RenewedBody, Renewal),
        get(one_path, get_number, NumberBody),
        put(one_path, change_number, NumberBody, NumberChange),
        put(f"{one_path}/flow_ids", change_number_flows, NumberBody, FlowIdsChange),
        put(f"{one_path}/metadata", change_number_metadata, NumberBody, MetadataChange),
        delete(one_path, delete_number, NumberBody),
        get("/v1.0/available_numbers", list_available_numbers, AvailableNumbersBody, *_AVAILABLE_QUERY, errors=()),
    ]


async def list_numbers(request: web.Request) -> web.Response:
    """List your numbers, newest first. Those that flow files answer are not among them."""
    wanted = page_query(request)
    table = request.app[CONTEXT].store.numbers
    rows = await table.list(request[IDENTITY].customer_id, page_size=wanted.size, before=wanted.before)
    return answer_page(rows, number_body)


async def create_number(request: web.Request) -> web.Response:
    """Take a number: calls to it run the flow `call_flow_id`. Without one they are answered with SIP 404."""
    asked = await read_body(request, NumberOrder)
    context, customer_id = request.app[CONTEXT], request[IDENTITY].customer_id
    type_ = type_of(asked.number) or NumberType.NORMAL
    if asked.type not in (None, type_):
        raise InvalidArgument("type", f"{asked.number} is {type_.value}; expected this type, or none")
    await _check_flows(context, customer_id, asked.call_flow_id, asked.message_flow_id)

    async def make(tx: Transaction) -> Number:
        await _check_free(context, tx, customer_id, asked.number)
        moment = now()
        return Number(
            id=new_id(),
            customer_id=customer_id,
            number=asked.number,
            type=type_,
            tm_create=moment,
            tm_update=moment,
            name=asked.name,
            detail=asked.detail,
            call_flow_id=asked.call_flow_id,
            message_flow_id=asked.message_flow_id,
            tm_purchase=moment,
            tm_renew=moment,
        )

    return one(number_body(await create(context.journal, lambda tx: tx.numbers, make, EventType.NUMBER_CREATED)))


async def get_number(request: web.Request) -> web.Response:
    """Show a number."""
    return one(number_body(await _own_number(request)))


async def change_number(request: web.Request) -> web.Response:
    """Change a number's name, detail and flows; the next call counts. The number itself stays."""
    return await _change(request, NumberChange)


async def change_number_flows(request: web.Request) -> web.Response:
    """Change which flows answer a number; the next call counts."""
    return await _change(request, FlowIdsChange)


async def change_number_metadata(request: web.Request) -> web.Response:
    """Turn the switch `rtp_debug` of a number on or off; it is kept and shown for VoIPBIN's clients."""
    asked = await read_body(request, MetadataChange)
    changes = {"is_rtp_debug": asked.rtp_debug} if "rtp_debug" in asked.sent() else {}
    return await _apply(request, await _own_number(request), changes)


async def delete_number(request: web.Request) -> web.Response:
    """Give a number back: calls to it are answered with SIP 404, and anybody may take it."""
    context, number = request.app[CONTEXT], await _own_number(request)
    deleted = await delete_resource(context.journal, lambda tx: tx.numbers, number.id, EventType.NUMBER_DELETED)
    return one(number_body(deleted))


async def renew_numbers(request: web.Request) -> web.Response:
    """Stamp `tm_renew` of the numbers that are named, of all yours where none is. Nothing here ever runs out."""
    asked = await read_body(request, Renewal)
    customer_id = request[IDENTITY].customer_id
    renewed: list[Number] = []

    async def write(tx: Transaction) -> Sequence[Event]:
        moment = now()
        for number in await _list_meant(tx, customer_id, asked.numbers):
            renewed.append(replace(number, tm_renew=moment, tm_update=moment))
            await tx.numbers.update(renewed[-1])
        return [Event(EventType.NUMBER_UPDATED, number) for number in renewed]

    await request.app[CONTEXT].journal.commit(write)
    return one(RenewedBody(result=tuple(number_body(number) for number in renewed)))


async def list_available_numbers(request: web.Request) -> web.Response:
    """Suggest free virtual numbers: they cost nothing and can be called from inside only."""
    size = page_query(request).size
    wanted_type, country = request.query.get("type", ""), request.query.get("country_code", "")
    if wanted_type not in ("", *(known.value for known in NumberType)):
        raise InvalidRequestParameter("type", "expected virtual or normal")
    if country and not _COUNTRY.fullmatch(country):
        raise InvalidRequestParameter("country_code", "expected two letters")
    found: dict[str, None] = {}
    if wanted_type != NumberType.NORMAL:
        for _ in range(size * _TRIES_EACH):
            number = _any_virtual_number()
            if await _is_free(request.app[CONTEXT], number):
                found[number] = None
            if len(found) == size:
                break
    result = tuple(AvailableNumberBody(number=number, type=NumberType.VIRTUAL) for number in found)
    return one(AvailableNumbersBody(result=result))


def _any_virtual_number() -> str:
    rest = _RESERVED + secrets.randbelow(10**_VIRTUAL_DIGITS - _RESERVED)
    return f"{VIRTUAL_PREFIX}{rest:0{_VIRTUAL_DIGITS}d}"


async def _is_free(context: ApiContext, number: str) -> bool:
    return context.flows.find_number(number) is None and await context.store.numbers.find(number) is None


async def _check_free(context: ApiContext, tx: Transaction, customer_id: str, number: str) -> None:
    """Raise AlreadyExists when a number, a flow file or an extension of the customer has this number."""
    taken: str | None = None
    if (other := await tx.numbers.find(number)) is not None:
        taken = f"it is your number {other.id}" if other.customer_id == customer_id else "another customer has it"
    elif (flow := context.flows.find_number(number)) is not None:
        is_own = any(each.id == flow.id for each in context.flows.files(customer_id))
        taken = f"the flow file {flow.name_key}.json answers it" if is_own else "another customer has it"
    elif (extension := await tx.extensions.find(customer_id, number)) is not None:
        taken = f"your extension {extension.id} is dialled so"
    if taken is not None:
        raise AlreadyExists(f"number: {number} is taken: {taken}", field="number")


async def _check_flows(context: ApiContext, customer_id: str, call_flow_id: str, message_flow_id: str) -> None:
    await check_flow_reference(context, customer_id, call_flow_id, "call_flow_id")
    await check_flow_reference(context, customer_id, message_flow_id, "message_flow_id")


async def _change(request: web.Request, model: type[FlowIdsChange]) -> web.Response:
    asked = await read_body(request, model)
    number = await _own_number(request)
    await _check_flows(request.app[CONTEXT], number.customer_id, asked.call_flow_id, asked.message_flow_id)
    return await _apply(request, number, asked.sent())


async def _apply(request: web.Request, number: Number, changes: Mapping[str, Any]) -> web.Response:
    async def apply(_tx: Transaction, current: Number) -> Number:
        return replace(current, **changes)

    context = request.app[CONTEXT]
    changed = await change(context.journal, lambda tx: tx.numbers, number.id, apply, EventType.NUMBER_UPDATED)
    return one(number_body(changed))


async def _list_meant(tx: Transaction, customer_id: str, wanted: Sequence[str]) -> list[Number]:
    """Return the numbers that are named, all of the customer where none is; InvalidArgument names a wrong one."""
    if not wanted:
        numbers: list[Number] = []
        while rows := await tx.numbers.list(customer_id, before=numbers[-1].tm_create if numbers else None):
            numbers += rows
        return numbers
    meant: dict[str, Number] = {}
    for index, text in enumerate(wanted):
        number = await tx.numbers.find(text) or await tx.numbers.get(customer_id, text.lower())
        if number is None or number.customer_id != customer_id or number.tm_delete is not None:
            raise InvalidArgument(f"numbers.{index}", "expected a number of yours, or the id of one")
        meant[number.id] = number
    return list(meant.values())


async def _own_number(request: web.Request) -> Number:
    return await own_present(request.app[CONTEXT].store.numbers, path_id(request), request[IDENTITY])
