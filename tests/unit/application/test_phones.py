"""Phones keeps Asterisk's objects those of the store: an Asterisk of a dictionary, which can refuse and be away."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast
from urllib.parse import unquote

import pytest

from app.application.phone_objects import MODEL_OPTIONS, extension_objects, is_username, model_options, trunk_objects
from app.application.phones import UNREGISTER_SECONDS, Phones
from app.ari.ari import Ari
from app.ari.errors import AriDisconnected, AriRefused
from app.domain.ids import new_id
from app.domain.line import Extension, Trunk, TrunkAuth
from app.domain.timestamps import now
from app.store import Store

MODEL = {"allow": "(ulaw|alaw)", "media_address": "192.0.2.7", "timers": "yes", "context": "refused"}
COMMON = (("allow", "!all,ulaw,alaw"), ("media_address", "192.0.2.7"), ("timers", "yes"))


class FakeAri:
    """Asterisk's pushed objects by type and id; `asked` has the changes in their order."""

    def __init__(self) -> None:
        self.files = {"anonymous": {}, "outgoing": MODEL}
        self.objects: dict[tuple[str, str], list[tuple[str, str]]] = {}
        self.asked: list[tuple[str, str, str]] = []
        self.refused: set[str] = set()
        self.is_away = False
        self.under_way = 0

    async def request(
        self, method: str, path: str, query: Any = (), body: Any = None, *, timeout_seconds: float = 5
    ) -> object:
        assert not self.under_way, "two syncs at once"
        self.under_way += 1
        await asyncio.sleep(0)
        self.under_way -= 1
        if self.is_away:
            raise AriDisconnected("there is no connection")
        if path == "/endpoints/PJSIP":
            names = [*self.files, *(name for kind, name in self.objects if kind == "endpoint")]
            return [{"technology": "PJSIP", "resource": name} for name in names]
        *_, kind, name = path.split("/")
        return self._dynamic(method, kind, unquote(name), body)

    def _dynamic(self, method: str, kind: str, name: str, body: Any) -> object:
        key = (kind, name)
        if method == "GET":
            fields = dict(self.objects[key]) if key in self.objects else self.files.get(name)
            if fields is None or kind != "endpoint":
                raise AriRefused(404, "not found", name)
            return [{"attribute": attribute, "value": value} for attribute, value in fields.items()]
        self.asked.append((method, kind, name))
        if method == "DELETE":
            if key not in self.objects:
                raise AriRefused(404, "not found", name)
            del self.objects[key]
        elif name in self.refused:
            raise AriRefused(400, "failed field value validation", name)
        else:
            assert key not in self.objects, "an object is pushed over another"
            self.objects[key] = [(it["attribute"], it["value"]) for it in body["fields"]]
        return None

    def names(self, kind: str) -> set[str]:
        return {name for each, name in self.objects if each == kind}


@dataclass
class Shelf:
    rows: list[Any] = field(default_factory=list)

    async def list_all(self) -> tuple[Any, ...]:
        return tuple(self.rows)


@dataclass
class FakeStore:
    extensions: Shelf = field(default_factory=Shelf)
    trunks: Shelf = field(default_factory=Shelf)


def phone(username: str, password: str = "secret") -> Extension:
    return Extension(new_id(), new_id(), "1001", username, password, "x.registrar.test", now(), now())


def make_trunk(**fields: Any) -> Trunk:
    return Trunk(new_id(), new_id(), "office", "", now(), now(), **fields)


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []

    async def forget(_ari: object, aor: str) -> int:
        names.append(aor)
        return 0

    monkeypatch.setattr("app.application.phones.forget_contacts", forget)
    return names


def make_phones(ari: FakeAri, store: FakeStore) -> Phones:
    return Phones(cast("Ari", ari), cast("Store", store))


@contextmanager
def changes(ari: FakeAri) -> Iterator[list[tuple[str, str, str]]]:
    """The changes that Asterisk is asked for inside."""
    found: list[tuple[str, str, str]] = []
    before = len(ari.asked)
    yield found
    found += ari.asked[before:]


async def test_only_differences_are_pushed(forgotten: list[str]) -> None:
    ari, store = FakeAri(), FakeStore(Shelf([phone("a"), phone("b")]))
    phones = make_phones(ari, store)
    await phones.on_connected()
    assert [kind for _, kind, _ in ari.asked] == ["auth", "auth", "aor", "aor", "endpoint", "endpoint"]
    assert ("context", "extension") in ari.objects["endpoint", "a"]
    assert ("media_address", "192.0.2.7") in ari.objects["endpoint", "a"]
    assert forgotten == []  # registrations of before the connection stay

    with changes(ari) as asked:
        await phones.sync()
    assert asked == []

    store.extensions.rows = [replace(store.extensions.rows[0], password="new"), phone("c")]
    with changes(ari) as asked:
        await phones.sync()
    gone = [("DELETE", "endpoint", "b"), ("DELETE", "aor", "b"), ("DELETE", "auth", "b"), ("DELETE", "auth", "a")]
    assert asked[:4] == gone
    assert asked[4:] == [("PUT", "auth", "a"), ("PUT", "auth", "c"), ("PUT", "aor", "c"), ("PUT", "endpoint", "c")]
    assert dict(ari.objects["auth", "a"])["password"] == "new"
    assert sorted(forgotten) == ["a", "b", "c"]


async def test_each_connection_begins_with_nothing(forgotten: list[str]) -> None:
    ari, store = FakeAri(), FakeStore(Shelf([phone("a")]), Shelf([make_trunk(hostname="sip.example")]))
    phones = make_phones(ari, store)
    await phones.on_connected()
    before = dict(ari.objects)
    ari.objects.clear()  # Asterisk was restarted
    await phones.on_connected()
    assert ari.objects == before
    store.extensions.rows = [phone("b")]
    await make_phones(ari, store).on_connected()  # we were
    assert ari.names("endpoint") == {"b", *(f"trunk-{it.id}" for it in store.trunks.rows)}
    assert ari.names("auth") == ari.names("aor") - {f"trunk-{it.id}" for it in store.trunks.rows} == {"b"}


async def test_names_of_the_operator_are_left_alone() -> None:
    ari = FakeAri()
    ari.files["desk"] = {"context": "internal"}
    names = ("desk", "outgoing", "Anonymous", "trunk-1", "a,b", "a;b", "", "-x", "ok.fine-1")
    await make_phones(ari, FakeStore(Shelf([phone(name) for name in names]))).on_connected()
    assert ari.names("endpoint") == {"ok.fine-1"}
    assert [name for name in names if is_username(name)] == ["desk", "ok.fine-1"]


async def test_a_refused_object_does_not_stop_the_others_and_is_tried_again(forgotten: list[str]) -> None:
    ari = FakeAri()
    ari.refused = {"a"}
    store = FakeStore(
        Shelf([phone("a"), phone("b")]), Shelf([make_trunk(auth_types=(TrunkAuth.IP,), allowed_ips=("x",))])
    )
    phones = make_phones(ari, store)
    await phones.on_connected()
    assert ari.names("endpoint") == {"b"}
    ari.refused = set()
    await phones.sync()
    assert ari.names("endpoint") == {"a", "b"}


async def test_an_asterisk_that_is_away_is_no_error(forgotten: list[str]) -> None:
    ari = FakeAri()
    ari.is_away = True
    phones = make_phones(ari, FakeStore(Shelf([phone("a")])))
    await phones.on_connected()
    await phones.sync()
    assert ari.objects == {}
    ari.is_away = False
    await phones.sync()
    assert ari.names("endpoint") == {"a"}


async def test_nothing_is_pushed_without_a_model() -> None:
    ari = FakeAri()
    del ari.files["outgoing"]
    await make_phones(ari, FakeStore(Shelf([phone("a")]))).on_connected()
    assert ari.objects == {}


async def test_syncs_take_turns(forgotten: list[str]) -> None:
    ari, store = FakeAri(), FakeStore()
    phones = make_phones(ari, store)
    await phones.on_connected()

    async def add(name: str) -> None:
        store.extensions.rows = [*store.extensions.rows, phone(name)]
        await phones.sync()

    await asyncio.gather(*(add(f"phone{n}") for n in range(5)))
    assert ari.names("endpoint") == {f"phone{n}" for n in range(5)}


def test_the_shared_options_are_those_of_the_model() -> None:
    assert model_options(MODEL) == COMMON
    assert "context" not in MODEL_OPTIONS
    fields = {each.key: each.fields for each in extension_objects(phone("a"), COMMON)}
    assert fields["endpoint", "a"][: len(COMMON)] == COMMON
    assert dict(fields["endpoint", "a"])["rewrite_contact"] == "yes"


def test_what_a_trunk_becomes() -> None:
    def kinds(**given: Any) -> set[str]:
        trunk = make_trunk(**given)
        return {f"{kind} {name.replace(trunk.id, '')}" for kind, name in (it.key for it in trunk_objects(trunk, ()))}

    login = {"username": "u", "password": "p"}
    assert kinds() == {"endpoint trunk-"}
    assert kinds(hostname="h") == {"endpoint trunk-", "aor trunk-"}
    assert kinds(auth_types=(TrunkAuth.IP,), allowed_ips=("192.0.2.1",)) == {"endpoint trunk-", "identify trunk-"}
    assert kinds(auth_types=(TrunkAuth.BASIC,), **login) == {
        *("endpoint trunk-", "auth trunk-"),
        *("endpoint trunk--in", "identify trunk--in"),
    }
    assert kinds(hostname="h", is_registering=True) == {"endpoint trunk-", "aor trunk-"}
    assert kinds(hostname="h", is_registering=True, **login) == {
        *("endpoint trunk-", "aor trunk-", "auth trunk-", "registration trunk-"),
    }


def test_the_fields_of_a_trunk() -> None:
    trunk = make_trunk(hostname="[2001:db8::1]:5070", transport="tcp", username="u", password="p", is_registering=True)
    fields = {each.key[0]: dict(each.fields) for each in trunk_objects(trunk, COMMON)}
    assert fields["aor"]["contact"] == "sip:[2001:db8::1]:5070;transport=tcp"
    assert fields["endpoint"]["from_domain"] == "[2001:db8::1]"
    assert fields["registration"]["server_uri"] == "sip:[2001:db8::1]:5070;transport=tcp"
    assert fields["registration"]["client_uri"] == "sip:u@[2001:db8::1]"
    trunk = make_trunk(auth_types=(TrunkAuth.IP,), allowed_ips=("192.0.2.1", "198.51.100.0/24"))
    identify = next(it.fields for it in trunk_objects(trunk, ()) if it.key[0] == "identify")
    assert [value for name, value in identify if name == "match"] == ["192.0.2.1/32", "198.51.100.0/24"]


async def test_a_password_is_there_while_a_registration_is_taken_back(
    forgotten: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    login = {"hostname": "h", "username": "u", "password": "p", "is_registering": True}
    ari, store = FakeAri(), FakeStore(trunks=Shelf([make_trunk(**login)]))
    phones = make_phones(ari, store)
    await phones.on_connected()
    assert len(ari.names("auth")) == len(ari.names("registration")) == 1
    waits: list[tuple[float, int, int]] = []

    really_sleep = asyncio.sleep

    async def sleep(seconds: float) -> None:
        if seconds:
            waits.append((seconds, len(ari.names("registration")), len(ari.names("auth"))))
        await really_sleep(0)

    monkeypatch.setattr("app.application.phones.asyncio.sleep", sleep)
    store.trunks.rows.clear()
    await phones.sync()
    assert waits == [(UNREGISTER_SECONDS, 0, 1)]
    assert not ari.names("auth")
    assert forgotten == []
