"""Who asks: finds the credential in its slot, turns it into an Identity, and counts the request (contract 1.2, 1.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aiohttp import web

from app.api.errors import AuthenticationRequired, denied
from app.api.keys import IDENTITY
from app.api.rate_limits import RateLimiter, RateLimits
from app.api.route import Handler, Need, Route
from app.api.tokens import KEY_PREFIX, hash_key, read_token, refused
from app.domain.customer import AccessKey, Identity, Permission
from app.domain.timestamps import now
from app.store import Store

API_ROOT = "/v1.0/"
LOGIN_ROOTS = ("/auth/", "/v1.0/auth/")


class Gate:
    """Stands before every resource: limits addresses, asks for credentials, limits customers, checks the role."""

    def __init__(
        self, store: Store, token_secret: bytes, limits: RateLimits, routes: Mapping[tuple[str, str], Route]
    ) -> None:
        self._store = store
        self._token_secret = token_secret
        self._routes = routes
        self._auth_addresses = RateLimiter(limits.auth_per_address, "ip")
        self._api_addresses = RateLimiter(limits.api_per_address, "ip")
        self._customers = RateLimiter(limits.per_customer, "customer")

    async def pass_through(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let the request on to its handler, or raise what stands against it."""
        address = request.remote or ""
        if request.path.startswith(LOGIN_ROOTS):
            self._auth_addresses.take(address)
        elif request.path.startswith(API_ROOT):
            self._api_addresses.take(address)
        if request.match_info.http_exception is None:  # an unknown route is told to everybody
            need = self._need_of(request)
            if need is not Need.NOBODY:
                request[IDENTITY] = await self._admit(request, need)
        return await handler(request)

    def _need_of(self, request: web.Request) -> Need:
        resource = request.match_info.route.resource
        method = "GET" if request.method == "HEAD" else request.method
        route = self._routes[method, resource.canonical if resource else ""]
        return Need.NOBODY if route.is_open else route.need

    async def _admit(self, request: web.Request, need: Need) -> Identity:
        credential = next(_credentials(request), None)
        if credential is None:
            raise AuthenticationRequired("this needs a token or an access key, e.g. ?token=…")
        identity = await self.identify(credential)
        self._customers.take(identity.customer_id)
        if need is Need.ADMIN and not identity.is_admin:
            raise denied()
        if need is Need.MANAGER and not identity.is_admin_or_manager:
            raise denied()
        return identity

    async def identify(self, credential: str) -> Identity:
        """Return whose credential this is; InvalidCredentials when it is wrong, expired or its owner is gone."""
        if not credential.isascii():
            raise refused()
        if credential.startswith(KEY_PREFIX):
            identity = await self._identify_key(credential)
        else:
            identity = await self._identify_agent(read_token(credential, self._token_secret))
        customer = await self._store.customers.get_by_id(identity.customer_id)
        if customer is None or customer.tm_delete is not None:
            raise refused()
        return identity

    async def _identify_key(self, secret: str) -> Identity:
        key = await self._store.access_keys.get_by_hash(hash_key(secret))
        if key is None or not _is_key_good(key):
            raise refused()
        return Identity(key.customer_id, Permission.CUSTOMER_ADMIN, access_key_id=key.id)

    async def _identify_agent(self, agent_id: str) -> Identity:
        agent = await self._store.agents.get_by_id(agent_id)
        if agent is None or agent.tm_delete is not None:
            raise refused()
        return Identity(agent.customer_id, agent.permission, agent_id=agent.id)


async def is_still_admitted(store: Store, identity: Identity) -> bool:
    """Tell whether somebody who was let in before would still be: for connections that last, as WebSockets do."""
    customer = await store.customers.get_by_id(identity.customer_id)
    if customer is None or customer.tm_delete is not None:
        return False
    if identity.access_key_id is not None:
        key = await store.access_keys.get_by_id(identity.access_key_id)
        return key is not None and _is_key_good(key)
    agent = await store.agents.get_by_id(identity.agent_id or "")
    return agent is not None and agent.tm_delete is None and agent.permission == identity.permission


def _is_key_good(key: AccessKey) -> bool:
    return key.tm_delete is None and (key.tm_expire is None or key.tm_expire > now())


def _credentials(request: web.Request) -> Iterator[str]:
    """Yield what the slots hold, in the order of the contract; tokens and keys are taken in any of them."""
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    slots = (
        request.cookies.get("token"),
        request.query.get("token"),
        bearer.strip() if scheme.lower() == "bearer" else None,
        request.cookies.get("accesskey"),
        request.query.get("accesskey"),
    )
    return (slot for slot in slots if slot)
