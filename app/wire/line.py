"""What connects us with telephones as JSON: numbers, extensions, trunks, what may be dialled (contract 5)."""

from typing import Annotated, Literal

from pydantic import Field

from app.domain.line import Extension, Number, NumberType, OutboundConfig, Trunk, TrunkAuth
from app.domain.timestamps import format_timestamp
from app.wire.forms import Body, Id, Timestamp, timestamp_or_never


class NumberMetadataBody(Body):
    """Switches of a number."""

    rtp_debug: bool = False


class NumberBody(Body):
    """A number that callers dial."""

    id: Id
    customer_id: Id
    number: str
    type: NumberType
    call_flow_id: Id
    message_flow_id: Id
    name: str
    detail: str
    status: Literal["active", "deleted"]
    t38_enabled: bool = False
    emergency_enabled: bool = False
    metadata: NumberMetadataBody
    tm_purchase: Timestamp
    tm_renew: Timestamp
    tm_create: Timestamp
    tm_update: Timestamp
    tm_delete: Timestamp


class ExtensionBody(Body):
    """A SIP phone, as its owner sees it: with the password that the phone registers with."""

    id: Id
    customer_id: Id
    name: str
    detail: str
    extension: str
    domain_name: str
    username: str
    password: str
    direct_hash: str
    tm_create: Timestamp
    tm_update: Timestamp
    tm_delete: Timestamp


class TrunkBody(Body):
    """A line to another SIP system. Our additions: `hostname`, `transport`, `register`, `priority`."""

    id: Id
    customer_id: Id
    name: str
    detail: str
    domain_name: str
    auth_types: tuple[TrunkAuth, ...]
    username: str
    password: str
    allowed_ips: tuple[str, ...]
    hostname: str
    transport: str
    is_registering: Annotated[bool, Field(serialization_alias="register")]
    priority: int
    direct_hash: str
    tm_create: Timestamp
    tm_update: Timestamp
    tm_delete: Timestamp


class OutboundConfigBody(Body):
    """What may be dialled: countries in ISO 3166's two letters, lower case; none at all while it is empty."""

    id: Id
    customer_id: Id
    name: str
    detail: str
    destination_whitelist: tuple[str, ...]
    codecs: str
    default_outgoing_source_number_id: Id
    tm_create: Timestamp
    tm_update: Timestamp
    tm_delete: Timestamp


def number_body(number: Number) -> NumberBody:
    """Return the JSON body of a number."""
    return NumberBody(
        id=number.id,
        customer_id=number.customer_id,
        number=number.number,
        type=number.type,
        call_flow_id=number.call_flow_id,
        message_flow_id=number.message_flow_id,
        name=number.name,
        detail=number.detail,
        status="active" if number.tm_delete is None else "deleted",
        metadata=NumberMetadataBody(rtp_debug=number.is_rtp_debug),
        tm_purchase=timestamp_or_never(number.tm_purchase),
        tm_renew=timestamp_or_never(number.tm_renew),
        tm_create=format_timestamp(number.tm_create),
        tm_update=format_timestamp(number.tm_update),
        tm_delete=timestamp_or_never(number.tm_delete),
    )


def extension_body(extension: Extension) -> ExtensionBody:
    """Return the JSON body of an extension."""
    return ExtensionBody(
        id=extension.id,
        customer_id=extension.customer_id,
        name=extension.name,
        detail=extension.detail,
        extension=extension.extension,
        domain_name=extension.domain_name,
        username=extension.username,
        password=extension.password,
        direct_hash=extension.direct_hash,
        tm_create=format_timestamp(extension.tm_create),
        tm_update=format_timestamp(extension.tm_update),
        tm_delete=timestamp_or_never(extension.tm_delete),
    )


def trunk_body(trunk: Trunk) -> TrunkBody:
    """Return the JSON body of a trunk."""
    return TrunkBody(
        id=trunk.id,
        customer_id=trunk.customer_id,
        name=trunk.name,
        detail=trunk.detail,
        domain_name=trunk.domain_name,
        auth_types=trunk.auth_types,
        username=trunk.username,
        password=trunk.password,
        allowed_ips=trunk.allowed_ips,
        hostname=trunk.hostname,
        transport=trunk.transport,
        is_registering=trunk.is_registering,
        priority=trunk.priority,
        direct_hash=trunk.direct_hash,
        tm_create=format_timestamp(trunk.tm_create),
        tm_update=format_timestamp(trunk.tm_update),
        tm_delete=timestamp_or_never(trunk.tm_delete),
    )


def outbound_config_body(config: OutboundConfig) -> OutboundConfigBody:
    """Return the JSON body of what may be dialled."""
    return OutboundConfigBody(
        id=config.id,
        customer_id=config.customer_id,
        name=config.name,
        detail=config.detail,
        destination_whitelist=config.destination_whitelist,
        codecs=config.codecs,
        default_outgoing_source_number_id=config.default_outgoing_source_number_id,
        tm_create=format_timestamp(config.tm_create),
        tm_update=format_timestamp(config.tm_update),
        tm_delete=timestamp_or_never(config.tm_delete),
    )
