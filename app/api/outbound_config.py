"""`/v1.0/outbound_config`: what you may dial, and as whom (contract 5)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from aiohttp import web
from phonenumbers import SUPPORTED_REGIONS
from pydantic import AfterValidator, Field

from app.api.keys import CONTEXT, IDENTITY
from app.api.request_body import OptionalBodyId, RequestBody, read_body
from app.api.responses import one
from app.api.route import Route, get, put
from app.api.texts import Detail, Name, NullIsEmpty
from app.domain.events import Event
from app.domain.ids import ZERO_ID, new_id
from app.domain.line import NumberType, OutboundConfig
from app.domain.timestamps import now
from app.errors import InvalidArgument
from app.store import Transaction
from app.wire.line import OutboundConfigBody, outbound_config_body

_COUNTRIES = frozenset(region.lower() for region in SUPPORTED_REGIONS)
_MAX_COUNTRIES = 300
_CODECS = re.compile(r"([A-Za-z0-9.]{1,16}( ?, ?[A-Za-z0-9.]{1,16}){0,15})?")


def _check_country(text: str) -> str:
    if text not in _COUNTRIES:
        raise ValueError("expected a country code of two lower-case letters (ISO 3166), such as us or kr")
    return text


def _check_codecs(text: str) -> str:
    if not _CODECS.fullmatch(text):
        raise ValueError("expected names of codecs with commas between them, such as PCMU,PCMA")
    return text


class OutboundConfigChange(RequestBody):
    """The body of PUT /v1.0/outbound_config; what is not sent stays as it is."""

    name: Name = ""
    detail: Detail = ""
    destination_whitelist: Annotated[
        list[Annotated[str, AfterValidator(_check_country)]], Field(max_length=_MAX_COUNTRIES)
    ] = Field(default_factory=list, description="Countries whose numbers may be called; empty = no number at all")
    codecs: Annotated[str, AfterValidator(_check_codecs), NullIsEmpty] = ""
    default_outgoing_source_number_id: OptionalBodyId = Field(
        ZERO_ID, description="Your number that calls show where their source is none of yours"
    )


def routes() -> list[Route]:
    """Return the routes of the outbound config."""
    path = "/v1.0/outbound_config"
    return [
        get(path, get_outbound_config, OutboundConfigBody, errors=()),
        put(path, change_outbound_config, OutboundConfigBody, OutboundConfigChange, errors=()),
    ]


async def get_outbound_config(request: web.Request) -> web.Response:
    """Show what you may dial. Until you choose, no telephone number: the list of countries is empty."""
    context, customer_id = request.app[CONTEXT], request[IDENTITY].customer_id
    stored = await context.store.outbound_configs.of(customer_id)
    if stored is None:
        customer = await context.store.customers.get_by_id(customer_id)
        moment = now() if customer is None else customer.tm_create
        stored = OutboundConfig(id=ZERO_ID, customer_id=customer_id, tm_create=moment, tm_update=moment)
    return one(outbound_config_body(stored))


async def change_outbound_config(request: web.Request) -> web.Response:
    """Choose which countries may be called, and the number that calls show."""
    asked = await read_body(request, OutboundConfigChange)
    context, customer_id = request.app[CONTEXT], request[IDENTITY].customer_id
    changes = asked.sent()
    if "destination_whitelist" in changes:
        changes["destination_whitelist"] = tuple(dict.fromkeys(asked.destination_whitelist))
    stored: list[OutboundConfig] = []

    async def write(tx: Transaction) -> Sequence[Event]:
        await _check_source(tx, customer_id, asked.default_outgoing_source_number_id)
        moment = now()
        if (current := await tx.outbound_configs.of(customer_id)) is None:
            fresh = OutboundConfig(id=new_id(), customer_id=customer_id, tm_create=moment, tm_update=moment)
            stored.append(await tx.outbound_configs.insert(replace(fresh, **changes)))
        else:
            stored.append(replace(current, **changes, tm_update=moment))
            await tx.outbound_configs.update(stored[0])
        return []  # VoIPBIN has no events of it either

    await context.journal.commit(write)
    return one(outbound_config_body(stored[0]))


async def _check_source(tx: Transaction, customer_id: str, number_id: str) -> None:
    field = "default_outgoing_source_number_id"
    if number_id == ZERO_ID:
        return
    number = await tx.numbers.get(customer_id, number_id)
    if number is None or number.tm_delete is not None:
        raise InvalidArgument(field, "expected the id of a number of yours; there is none with this id")
    if number.type is NumberType.VIRTUAL:
        raise InvalidArgument(field, "expected a number that telephones know; this one is virtual")
