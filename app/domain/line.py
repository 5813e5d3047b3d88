"""What connects us with telephones: numbers, extensions, trunks, and what may be dialled (contract 5)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.ids import ZERO_ID


class NumberType(StrEnum):
    """A number of the telephone network, or one of ours only: `+899` and nine digits."""

    NORMAL = "normal"
    VIRTUAL = "virtual"


@dataclass(frozen=True, slots=True)
class Number:
    """A number that callers dial; `call_flow_id` answers it."""

    id: str
    customer_id: str
    number: str
    type: NumberType
    tm_create: datetime
    tm_update: datetime
    name: str = ""
    detail: str = ""
    call_flow_id: str = ZERO_ID
    message_flow_id: str = ZERO_ID
    is_rtp_debug: bool = False
    tm_purchase: datetime | None = None
    tm_renew: datetime | None = None
    tm_delete: datetime | None = None


@dataclass(frozen=True, slots=True)
class Extension:
    """A SIP phone of the customer. It registers as `username` with `password`; `extension` is what others dial.

    `username` is unique in the whole instance, `extension` in its customer. The password is kept as it is: SIP's
    digest needs it (RFC 8760), and Asterisk is told it again after each of its starts.
    """

    id: str
    customer_id: str
    extension: str
    username: str
    password: str
    domain_name: str
    tm_create: datetime
    tm_update: datetime
    name: str = ""
    detail: str = ""
    direct_hash: str = ""
    tm_delete: datetime | None = None


class TrunkAuth(StrEnum):
    """How calls from a trunk prove where they come from."""

    BASIC = "basic"
    IP = "ip"


@dataclass(frozen=True, slots=True)
class Trunk:
    """A line to another SIP system: a provider or the customer's PBX.

    In: calls from `allowed_ips` (auth ip) or with `username` and `password` (auth basic) are the customer's. Out: tel
    destinations go to `hostname` (`HOST[:PORT]`, empty = nothing goes out here), in the order of `priority` (lowest
    first). `is_registering`: we register there with the same credentials, so that it finds us.
    """

    id: str
    customer_id: str
    name: str
    domain_name: str
    tm_create: datetime
    tm_update: datetime
    detail: str = ""
    auth_types: tuple[TrunkAuth, ...] = ()
    username: str = ""
    password: str = ""
    allowed_ips: tuple[str, ...] = ()
    hostname: str = ""
    transport: str = "udp"
    is_registering: bool = False
    priority: int = 0
    direct_hash: str = ""
    tm_delete: datetime | None = None


@dataclass(frozen=True, slots=True)
class OutboundConfig:
    """What a customer may dial: `destination_whitelist` are countries (ISO 3166, two lower-case letters), empty = none.

    One row a customer; its id is its own.
    """

    id: str
    customer_id: str
    tm_create: datetime
    tm_update: datetime
    name: str = ""
    detail: str = ""
    destination_whitelist: tuple[str, ...] = ()
    codecs: str = ""
    default_outgoing_source_number_id: str = ZERO_ID
    tm_delete: datetime | None = None
