"""Phones and trunks in Asterisk: what the store has of them is pushed, changed and taken back while Asterisk runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from pydantic import TypeAdapter

from app.application.phone_objects import (
    MODEL_ENDPOINT,
    TAG,
    TYPES,
    Fields,
    Key,
    PhoneObject,
    extension_objects,
    is_username,
    model_options,
    trunk_objects,
)
from app.ari import operation
from app.ari.ari import Ari
from app.ari.contacts import forget_contacts
from app.ari.dynamic_config import delete_object, get_object, put_object
from app.ari.errors import AriDisconnected, AriRefused, AriTimeout
from app.ari.models import Endpoint
from app.logs import get_log
from app.store import Store

log = get_log("phones")

CONFIG_CLASS = "res_pjsip"
_endpoints: TypeAdapter[list[Endpoint]] = TypeAdapter(list[Endpoint])


UNREGISTER_SECONDS = 1.0
"""How long a provider has to ask for the password with which a registration is taken back."""


class Phones:
    """Keeps Asterisk's endpoints those of the store; fulfils PhonePort.

    `await ari.on_connected(phones.on_connected)` before the first call comes in. Syncs take turns; each looks at the
    store anew, so that the last one leaves what the store has.
    """

    def __init__(self, ari: Ari, store: Store) -> None:
        self._ari = ari
        self._store = store
        self._turn = asyncio.Lock()
        self._pushed: dict[Key, Fields] = {}
        self._foreign: frozenset[str] = frozenset()
        """Names of endpoints of the operator's, which are left alone."""
        self._common: Fields | None = None

    async def on_connected(self) -> None:
        """After each connect: Asterisk may have been restarted, or have objects of ours that nobody remembers."""
        async with self._turn:
            try:
                await self._look_around()
                await self._sync(is_first=True)
            except (AriDisconnected, AriTimeout, AriRefused) as error:
                self._common = None
                log.warning("phones and trunks could not be pushed to Asterisk", cause=error.message)

    async def sync(self) -> None:
        """Push the differences. Asterisk being away is no error: `on_connected` does it all again."""
        async with self._turn:
            try:
                is_first = self._common is None
                if is_first:
                    await self._look_around()
                await self._sync(is_first=is_first)
            except (AriDisconnected, AriTimeout, AriRefused) as error:
                log.warning("phones and trunks are pushed when Asterisk is back", cause=error.message)

    async def _look_around(self) -> None:
        """Start from nothing: take back what an earlier connection pushed, and read the options that all share."""
        self._common, self._pushed = None, {}
        model = await get_object(self._ari, CONFIG_CLASS, "endpoint", MODEL_ENDPOINT)
        listed = _endpoints.validate_python(await operation.LIST_ENDPOINTS.send(self._ari, {"tech": "PJSIP"}))
        ours: list[str] = []
        foreign: set[str] = set()
        for endpoint in listed:
            fields = await get_object(self._ari, CONFIG_CLASS, "endpoint", endpoint.resource)
            is_ours = fields is not None and fields.get("callerid_tag") == TAG
            (ours.append if is_ours else foreign.add)(endpoint.resource)
        await self._delete({(kind, name) for name in ours for kind in TYPES})
        await self._delete({("identify", f"{name}-domain") for name in ours if name.startswith("trunk-")})
        self._foreign = frozenset(foreign)
        if model is None:
            log.error("pjsip.conf has no endpoint of that name, no phone can register", endpoint=MODEL_ENDPOINT)
            return
        self._common = model_options(model)

    async def _sync(self, *, is_first: bool) -> None:
        if self._common is None:
            return
        wanted = await self._wanted(self._common)
        gone = self._pushed.keys() - wanted.keys()
        changed = {key for key, each in wanted.items() if self._pushed.get(key) != each.fields}
        if not is_first:
            await self._forget_contacts(gone)
        # An object that is there already would keep its old addresses and contacts besides the new ones.
        await self._delete(gone | (changed & self._pushed.keys()))
        refused = 0
        for key in sorted(changed, key=_order):
            refused += not await self._put(wanted[key])
        if not is_first:
            await self._forget_contacts(changed)
        if changed or gone:
            log.info("phones and trunks pushed", put=len(changed) - refused, deleted=len(gone), refused=refused)

    async def _wanted(self, common: Fields) -> Mapping[Key, PhoneObject]:
        objects: list[PhoneObject] = []
        for extension in await self._store.extensions.list_all():
            if not is_username(extension.username) or extension.username in self._foreign:
                log.warning("a phone is left out, its user name is not possible or taken", extension_id=extension.id)
                continue
            objects += extension_objects(extension, common)
        for trunk in await self._store.trunks.list_all():
            try:
                objects += tuple(trunk_objects(trunk, common))
            except ValueError:
                log.warning("a trunk is left out, one of its addresses is none", trunk_id=trunk.id)
        return {each.key: each for each in objects}

    async def _put(self, each: PhoneObject) -> bool:
        """Push one object; False when Asterisk does not take it (it is tried again at the next sync)."""
        kind, name = each.key
        try:
            await put_object(self._ari, CONFIG_CLASS, kind, name, each.fields)
        except AriRefused as error:
            log.error("Asterisk does not take an object", kind=kind, name=name, cause=error.reason)
            return False
        self._pushed[each.key] = each.fields
        return True

    async def _delete(self, keys: Iterable[Key]) -> None:
        is_leaving = False
        for kind, name in sorted(keys, key=_order, reverse=True):
            is_registration = kind == "registration" and name.startswith("trunk-")
            if is_leaving and not is_registration:
                # The provider asks for the password of the un-REGISTER too: Asterisk looks for its `auth` only then.
                await asyncio.sleep(UNREGISTER_SECONDS)
                is_leaving = False
            is_leaving = is_leaving or is_registration
            try:
                await delete_object(self._ari, CONFIG_CLASS, kind, name)
            except AriRefused as error:
                log.error("Asterisk does not give up an object", kind=kind, name=name, cause=error.reason)
            self._pushed.pop((kind, name), None)

    async def _forget_contacts(self, keys: Iterable[Key]) -> None:
        """End the registrations of phones that are gone, have a new password, or a name that was another's before."""
        for kind, name in keys:
            if kind == "auth" and not name.startswith("trunk-"):
                await forget_contacts(self._ari, name)


def _order(key: Key) -> tuple[int, str]:
    return TYPES.index(key[0]), key[1]
