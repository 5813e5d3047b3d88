"""`/v1.0/trunks`: lines to other SIP systems (contract 5; `hostname`, `transport`, `register`, `priority` are ours)."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal

from aiohttp import web
from pydantic import AfterValidator, Field

from app.api.addresses import is_host_and_port
from app.api.keys import CONTEXT, IDENTITY
from app.api.ownership import own_present
from app.api.request_body import RequestBody, read_body
from app.api.request_query import PATH_ID, page_query, path_id
from app.api.resource_writes import change, create
from app.api.resource_writes import delete as delete_resource
from app.api.responses import one
from app.api.responses import page as answer_page
from app.api.route import Route, delete, get, page, post, put
from app.api.sip_credentials import SipUsername, TrunkPassword
from app.api.texts import Detail, Name
from app.domain.events import EventType
from app.domain.ids import new_direct_hash, new_id
from app.domain.line import Trunk, TrunkAuth
from app.domain.timestamps import now
from app.errors import AlreadyExists, InvalidArgument
from app.store import Transaction
from app.wire.line import TrunkBody, trunk_body

_DOMAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9.-]{1,30}")
_MAX_PRIORITY = 65_535
_MAX_ADDRESSES = 100
_MAX_ADDRESS = 64


def _check_domain_name(text: str) -> str:
    if not _DOMAIN_NAME.fullmatch(text):
        raise ValueError("expected a letter, then 1 to 30 letters, digits, - or .")
    return text


def _check_hostname(text: str) -> str:
    if text and not is_host_and_port(text):
        raise ValueError("expected HOST or HOST:PORT, such as sip.example.com:5060 or 192.0.2.7")
    return text


def _check_network(text: str) -> str:
    try:
        network = ip_network(text)
    except ValueError:
        raise ValueError("expected an IP address, or a network such as 192.0.2.0/24") from None
    if "%" in text or network.prefixlen == 0:
        raise ValueError("expected an address or a network, without a zone and not all addresses there are")
    return str(network.network_address) if network.num_addresses == 1 else str(network)


DomainName = Annotated[str, AfterValidator(_check_domain_name)]
HostName = Annotated[str, Field(max_length=255), AfterValidator(_check_hostname)]
AllowedIps = Annotated[
    list[Annotated[str, Field(max_length=_MAX_ADDRESS), AfterValidator(_check_network)]],
    Field(max_length=_MAX_ADDRESSES),
]
Priority = Annotated[int, Field(ge=0, le=_MAX_PRIORITY)]


class TrunkForm(RequestBody):
    """What POST and PUT have in common. Null and "" are none."""

    name: Name = ""
    detail: Detail = ""
    auth_types: Annotated[list[TrunkAuth], Field(max_length=2)] = Field(
        default_factory=list,
        description="How its calls prove where they come from: basic = username and password, ip = allowed_ips",
    )
    username: SipUsername = ""
    password: TrunkPassword = ""
    allowed_ips: AllowedIps = Field(default_factory=list, description="IP addresses and networks that calls come from")
    hostname: HostName = Field("", description='HOST[:PORT] that calls to telephone numbers go to; "" = none go there')
    transport: Literal["udp", "tcp"] = "udp"
    is_registering: bool = Field(
        False, alias="register", description="Whether we register there, so that it finds us behind a NAT"
    )
    priority: Priority = Field(0, description="Of several trunks with a hostname the lowest is tried first")

    def changes(self) -> dict[str, object]:
        """Return the fields that were sent, as our Trunk has them."""
        known = {field.name for field in fields(Trunk)}
        sent = {name: value for name, value in self.sent().items() if name in known}
        for name in ("auth_types", "allowed_ips"):
            if name in sent:
                sent[name] = tuple(dict.fromkeys(sent[name]))
        return sent


class TrunkOrder(TrunkForm):
    """The body of POST /v1.0/trunks."""

    domain_name: DomainName = Field(
        description="A letter, then 1 to 30 letters, digits, - or .; no other trunk has it", examples=["office-pbx"]
    )


class TrunkChange(TrunkForm):
    """The body of PUT /v1.0/trunks/{id}; what is not sent stays as it is."""

    domain_name: DomainName | None = None


def routes() -> list[Route]:
    """Return the routes of trunks."""
    one_path = f"/v1.0/trunks/{PATH_ID}"
    return [
        page("/v1.0/trunks", list_trunks, TrunkBody),
        post("/v1.0/trunks", create_trunk, TrunkBody, TrunkOrder, errors=(409,)),
        get(one_path, get_trunk, TrunkBody),
        put(one_path, change_trunk, TrunkBody, TrunkChange, errors=(404, 409)),
        delete(one_path, delete_trunk, TrunkBody),
        post(f"{one_path}/direct-hash-regenerate", regenerate_trunk_hash, TrunkBody, errors=(404,)),
    ]


async def list_trunks(request: web.Request) -> web.Response:
    """List your trunks, newest first."""
    wanted = page_query(request)
    table = request.app[CONTEXT].store.trunks
    rows = await table.list(request[IDENTITY].customer_id, page_size=wanted.size, before=wanted.before)
    return answer_page(rows, trunk_body)


async def create_trunk(request: web.Request) -> web.Response:
    """Connect another SIP system: a provider or a PBX.

    Its calls are yours where they come from `allowed_ips` (auth type ip) or with `username` and `password` (basic).
    Calls to telephone numbers go out to `hostname`.
    """
    asked = await read_body(request, TrunkOrder)
    context, moment = request.app[CONTEXT], now()
    blank = Trunk(
        id=new_id(),
        customer_id=request[IDENTITY].customer_id,
        name=asked.name,
        domain_name=asked.domain_name,
        tm_create=moment,
        tm_update=moment,
        direct_hash=new_direct_hash(),
    )
    trunk = replace(blank, **asked.changes())  # type: ignore[arg-type]
    _check_consistent(trunk)

    async def make(tx: Transaction) -> Trunk:
        await _check_alone(tx, trunk)
        return trunk

    made = await create(context.journal, lambda tx: tx.trunks, make, EventType.TRUNK_CREATED)
    await context.phones.sync()
    return one(trunk_body(made))


async def get_trunk(request: web.Request) -> web.Response:
    """Show a trunk."""
    return one(trunk_body(await _own_trunk(request)))


async def change_trunk(request: web.Request) -> web.Response:
    """Change a trunk; calls that are up stay up."""
    asked = await read_body(request, TrunkChange)
    return await _apply(request, await _own_trunk(request), asked.changes())


async def delete_trunk(request: web.Request) -> web.Response:
    """Take a trunk away; calls that are up stay up."""
    context, trunk = request.app[CONTEXT], await _own_trunk(request)
    deleted = await delete_resource(context.journal, lambda tx: tx.trunks, trunk.id, EventType.TRUNK_DELETED)
    await context.phones.sync()
    return one(trunk_body(deleted))


async def regenerate_trunk_hash(request: web.Request) -> web.Response:
    """Give a trunk a new `direct_hash`."""
    return await _apply(request, await _own_trunk(request), {"direct_hash": new_direct_hash()})


async def _apply(request: web.Request, trunk: Trunk, changes: dict[str, object]) -> web.Response:
    async def apply(tx: Transaction, current: Trunk) -> Trunk:
        changed = replace(current, **changes)  # type: ignore[arg-type]
        _check_consistent(changed)
        await _check_alone(tx, changed)
        return changed

    context = request.app[CONTEXT]
    changed = await change(context.journal, lambda tx: tx.trunks, trunk.id, apply, EventType.TRUNK_UPDATED)
    await context.phones.sync()
    return one(trunk_body(changed))


def _check_consistent(trunk: Trunk) -> None:
    """Raise InvalidArgument that names the field which another one needs."""
    needs: list[tuple[str, str]] = []
    if TrunkAuth.BASIC in trunk.auth_types:
        needs += [("username", "auth type basic"), ("password", "auth type basic")]
    if TrunkAuth.IP in trunk.auth_types:
        needs += [("allowed_ips", "auth type ip")]
    if trunk.is_registering:
        needs += [(field, "register") for field in ("hostname", "username", "password")]
    for field, reason in needs:
        if not getattr(trunk, field):
            raise InvalidArgument(field, f"is required with {reason}")


async def _check_alone(tx: Transaction, trunk: Trunk) -> None:
    """Raise AlreadyExists where a call from this trunk could be taken for a call from somebody else."""
    networks = [ip_network(text) for text in trunk.allowed_ips] if TrunkAuth.IP in trunk.auth_types else []
    for other in await tx.trunks.list_all():
        if other.id == trunk.id:
            continue
        if other.domain_name.lower() == trunk.domain_name.lower():
            raise _taken("domain_name", f"{trunk.domain_name} is the domain name of another trunk")
        if other.customer_id == trunk.customer_id:
            continue
        if TrunkAuth.BASIC in trunk.auth_types and other.username == trunk.username:
            raise _taken("username", f"{trunk.username} is the user name of another trunk")
        if TrunkAuth.IP in other.auth_types:
            for network in networks:
                if any(_overlap(network, ip_network(text)) for text in other.allowed_ips):
                    raise _taken("allowed_ips", f"{network} belongs to another customer's trunk")
    if TrunkAuth.BASIC in trunk.auth_types and await tx.extensions.find_by_username(trunk.username) is not None:
        raise _taken("username", f"{trunk.username} is the user name of a phone")


def _overlap(one_network: IPv4Network | IPv6Network, other: IPv4Network | IPv6Network) -> bool:
    if isinstance(one_network, IPv4Network) and isinstance(other, IPv4Network):
        return one_network.overlaps(other)
    return isinstance(one_network, IPv6Network) and isinstance(other, IPv6Network) and one_network.overlaps(other)


def _taken(field: str, text: str) -> AlreadyExists:
    return AlreadyExists(f"{field}: {text}", field=field)


async def _own_trunk(request: web.Request) -> Trunk:
    return await own_present(request.app[CONTEXT].store.trunks, path_id(request), request[IDENTITY])
