"""What Asterisk has to know of a phone or a trunk: objects of its SIP configuration, as data.

https://docs.asterisk.org/Latest_API/API_Documentation/Module_Configuration/res_pjsip/
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network

from app.domain.line import Extension, Trunk, TrunkAuth

TAG = "callscribe"
"""Marks the endpoints that we pushed (`callerid_tag`), so that they can be told from those of the operator."""

MODEL_ENDPOINT = "outgoing"
"""The endpoint of pjsip.conf whose options phones and trunks get: the only place where they stand."""

MODEL_OPTIONS = (
    *("allow", "direct_media", "rtp_symmetric", "force_rport", "rewrite_contact", "dtmf_mode", "media_address"),
    *("bind_rtp_to_media_address", "rtp_ipv6", "rtp_timeout", "rtp_timeout_hold", "timers", "timers_min_se"),
    *("timers_sess_expires", "language", "media_encryption", "ice_support", "rtcp_mux", "100rel", "inband_progress"),
    *("allow_transfer", "allow_subscribe", "message_context", "moh_passthrough"),
)

TYPES = ("auth", "aor", "endpoint", "identify", "registration")
"""In the order in which they are made: each needs those before it."""

QUALIFY_SECONDS = 30
DEVICES = 5
REGISTER_SECONDS = 600
RETRY_SECONDS = 30

_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,79}")
_RESERVED = frozenset({"anonymous", MODEL_ENDPOINT})

Key = tuple[str, str]
"""Type and id of an object."""

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PhoneObject:
    """One object of Asterisk's SIP configuration."""

    key: Key
    fields: Fields


def is_username(text: str) -> bool:
    """Whether a phone may have this user name: it becomes the name of an endpoint and stands in the dialplan."""
    return bool(_USERNAME.fullmatch(text)) and text.lower() not in _RESERVED and not text.startswith("trunk-")


def trunk_endpoint(trunk_id: str) -> str:
    """Return the endpoint through which calls go out over a trunk: `PJSIP/NUMBER@trunk-ID`."""
    return f"trunk-{trunk_id}"


def model_options(model: Mapping[str, str]) -> Fields:
    """Return the options that all our endpoints share, out of those of MODEL_ENDPOINT as Asterisk shows them."""
    return tuple((name, _written(name, model[name])) for name in MODEL_OPTIONS if name in model)


def extension_objects(extension: Extension, common: Fields) -> Iterator[PhoneObject]:
    """Yield what a phone needs to register, to call and to be called."""
    name = extension.username
    yield PhoneObject(("auth", name), _credentials(name, extension.password))
    aor = (
        ("max_contacts", str(DEVICES)),
        ("remove_existing", "no"),
        ("remove_unavailable", "yes"),  # the sixth device takes the place of one that does not answer any more
        ("qualify_frequency", str(QUALIFY_SECONDS)),
        ("minimum_expiration", "30"),
    )
    yield PhoneObject(("aor", name), aor)
    endpoint = (
        *common,
        ("context", "extension"),
        ("identify_by", "username,auth_username"),
        ("auth", name),
        ("aors", name),
        ("callerid_tag", TAG),
        # A contact elsewhere than where it registered from could be anybody's number at a provider who trusts us.
        ("rewrite_contact", "yes"),
    )
    yield PhoneObject(("endpoint", name), endpoint)


def trunk_objects(trunk: Trunk, common: Fields) -> Iterator[PhoneObject]:
    """Yield what a trunk needs: to call out (hostname), to be called from its addresses or with its credentials."""
    name, guest = trunk_endpoint(trunk.id), f"{trunk_endpoint(trunk.id)}-in"
    has_password = bool(trunk.username and trunk.password)
    if has_password:
        yield PhoneObject(("auth", name), _credentials(trunk.username, trunk.password))
    host = f"{trunk.hostname};transport={trunk.transport}" if trunk.transport != "udp" else trunk.hostname
    endpoint = [
        *common,
        ("context", "trunk"),
        ("identify_by", "ip"),
        ("callerid_tag", TAG),
        ("send_pai", "yes"),
        ("trust_id_outbound", "yes"),
    ]
    if trunk.hostname:
        yield PhoneObject(("aor", name), (("contact", f"sip:{host}"),))
        endpoint += [("aors", name), ("from_domain", _without_port(trunk.hostname))]
        if has_password:
            endpoint += [("outbound_auth", name)]
    yield PhoneObject(("endpoint", name), tuple(endpoint))
    if TrunkAuth.IP in trunk.auth_types and trunk.allowed_ips:
        match = tuple(("match", str(ip_network(ip, strict=False))) for ip in trunk.allowed_ips)
        yield PhoneObject(("identify", name), (("endpoint", name), ("srv_lookups", "no"), *match))
    if TrunkAuth.BASIC in trunk.auth_types and has_password:
        # An endpoint of its own: one that must prove itself, while calls from the trunk's addresses need not.
        by_password = (
            *common,
            ("context", "trunk"),
            ("identify_by", "header,request_uri"),
            ("auth", name),
            ("callerid_tag", TAG),
        )
        yield PhoneObject(("endpoint", guest), by_password)
        sender = f"From: /sips?:{re.escape(trunk.username)}@/"
        yield PhoneObject(("identify", guest), (("endpoint", guest), ("match_header", sender)))
        if trunk.domain_name:
            called = rf"/[@:]{re.escape(trunk.domain_name)}(\.trunk\.[^;:]*)?([;:]|$)/"
            yield PhoneObject(("identify", f"{guest}-domain"), (("endpoint", guest), ("match_request_uri", called)))
    if trunk.is_registering and trunk.hostname and has_password:
        yield PhoneObject(("registration", name), _registration(trunk, name, host))


def _credentials(username: str, password: str) -> Fields:
    return (("auth_type", "userpass"), ("username", username), ("password", password))


def _registration(trunk: Trunk, name: str, host: str) -> Fields:
    return (
        ("server_uri", f"sip:{host}"),
        ("client_uri", f"sip:{trunk.username}@{_without_port(trunk.hostname)}"),
        ("contact_user", trunk.username),
        ("outbound_auth", name),
        ("expiration", str(REGISTER_SECONDS)),
        # For ever: a wrong password is corrected at the provider as often as here.
        ("retry_interval", str(RETRY_SECONDS)),
        ("forbidden_retry_interval", str(10 * RETRY_SECONDS)),
        ("fatal_retry_interval", str(10 * RETRY_SECONDS)),
        ("max_retries", "1000000"),
        ("max_random_initial_delay", "0"),
        ("auth_rejection_permanent", "no"),
        # Calls of the provider come to our contact with a mark that tells this registration, whatever their address.
        ("line", "yes"),
        ("endpoint", name),
    )


def _without_port(host: str) -> str:
    """Return `HOST` of `HOST[:PORT]`, `[::1]` of `[::1]:5060`."""
    return re.sub(r":\d+$", "", host)


def _written(name: str, shown: str) -> str:
    """Return a value as Asterisk takes it: it shows `allow` as (ulaw|alaw)."""
    return ",".join(["!all", *shown.strip("()").split("|")]) if name == "allow" else shown
