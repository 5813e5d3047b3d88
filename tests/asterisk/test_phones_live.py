"""Phones and trunks on the real Asterisk: pushed, registered, called, calling, changed, found again after its death."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest

from app.application.phone_objects import trunk_endpoint
from app.application.phones import Phones
from app.ari import channel as channels
from app.ari.ari import Ari
from app.ari.contacts import is_registered, list_contacts
from app.ari.events import ChannelDestroyed, ChannelDtmfReceived, Dial, StasisStart
from app.domain.ids import asterisk_id, new_id
from app.domain.line import Extension, Trunk, TrunkAuth
from app.domain.timestamps import now
from app.store import Store
from tests.asterisk.calls.sip_peer import open_sip_peer
from tests.asterisk.conftest import RealAsterisk, open_real_asterisk
from tests.asterisk.test_ari_live import connected, write_tone

pytestmark = pytest.mark.asterisk

LEG = asterisk_id("leg", "phone")
LOUD = 200.0


@dataclass
class Shelf:
    """A table of the store, as far as Phones looks at it."""

    rows: list[Any] = field(default_factory=list)

    async def list_all(self) -> tuple[Any, ...]:
        return tuple(self.rows)


@dataclass
class FakeStore:
    extensions: Shelf = field(default_factory=Shelf)
    trunks: Shelf = field(default_factory=Shelf)


def make_extension(username: str, password: str) -> Extension:
    return Extension(new_id(), new_id(), username, username, password, "x.registrar.test", now(), now())


def make_trunk(**fields: Any) -> Trunk:
    return Trunk(new_id(), new_id(), "trunk", "", now(), now(), **fields)


@asynccontextmanager
async def phones_of(asterisk: RealAsterisk, store: FakeStore) -> AsyncIterator[tuple[Ari, Phones]]:
    async with connected(asterisk) as ari:
        phones = Phones(ari, cast("Store", store))
        await ari.on_connected(phones.on_connected)
        yield ari, phones


def registrar(asterisk: RealAsterisk) -> str:
    return f"sip:127.0.0.1:{asterisk.program.config.sip_port}"


def dialled(asterisk: RealAsterisk, number: str) -> str:
    return f"sip:{number}@127.0.0.1:{asterisk.program.config.sip_port}"


async def until(condition: Any, seconds: float = 5) -> None:
    """Wait until an asynchronous question is answered with yes."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)


async def test_a_phone_registers_with_the_right_password_only(real_asterisk: RealAsterisk) -> None:
    store = FakeStore(Shelf([make_extension("1001", "right; [one],")]))
    server = registrar(real_asterisk)
    async with phones_of(real_asterisk, store) as (ari, phones):
        async with open_sip_peer("1001", registrar=server, password="wrong") as peer:
            assert await peer.wait_registered() == 401
            assert not await is_registered(ari, "1001")
        async with (
            open_sip_peer("1001", registrar=server, password="right; [one],") as udp,
            open_sip_peer("1001", registrar=server, password="right; [one],", transport="tcp") as tcp,
        ):
            assert (await udp.wait_registered(), await tcp.wait_registered()) == (200, 200)
            contacts = await list_contacts(ari, "1001")
            assert len(contacts) == 2
            assert all(contact.startswith("PJSIP/1001/sip:1001@127.0.0.1:") for contact in contacts)
            assert any(f"127.0.0.1:{udp.port}" in contact for contact in contacts)

            store.extensions.rows = [replace(store.extensions.rows[0], password="new")]
            await phones.sync()
            assert await list_contacts(ari, "1001") == ()
            udp.register()
            assert await udp.wait_registered() == 401
        async with open_sip_peer("1001", registrar=server, password="new") as peer:
            assert await peer.wait_registered() == 200
            store.extensions.rows = []
            await phones.sync()
            peer.register()
            assert await peer.wait_registered() >= 400
            assert await list_contacts(ari, "1001") == ()
        assert await ari.request("GET", "/channels") == []


async def test_whatever_a_phone_dials_comes_to_us_with_its_name(real_asterisk: RealAsterisk) -> None:
    store = FakeStore(Shelf([make_extension("1001", "secret")]))
    async with phones_of(real_asterisk, store) as (ari, _):
        arrivals = aiter(ari.arrivals)
        async with open_sip_peer("1001", registrar=registrar(real_asterisk), password="secret") as phone:
            await phone.wait_registered()
            for number in ("+821012345678", "1002", "direct.0123456789ab", "*43#", "trunk-x"):
                call = await phone.call(dialled(real_asterisk, number))
                start = await anext(arrivals)
                assert (start.channel.dialplan.exten, start.args) == (number, ("extension", "1001"))
                await call.hang_up()
        # A stranger with that name in From must prove it; under another name it is a guest.
        async with open_sip_peer("1001") as stranger:
            assert (await (await stranger.call(dialled(real_asterisk, "1002"))).wait_ended()).status == 401
        async with open_sip_peer("outgoing") as guest:
            call = await guest.call(dialled(real_asterisk, "direct.0123456789ab"))
            start = await anext(arrivals)
            assert (start.channel.dialplan.exten, start.args) == ("direct.0123456789ab", ("incoming",))
            await call.hang_up()


async def test_a_phone_is_called_holds_and_hears_music(real_asterisk: RealAsterisk) -> None:
    store = FakeStore(Shelf([make_extension("1001", "secret")]))
    async with (
        phones_of(real_asterisk, store) as (ari, _),
        open_sip_peer("1001", registrar=registrar(real_asterisk), password="secret") as phone,
    ):
        await phone.wait_registered()
        (contact,) = await list_contacts(ari, "1001")
        with ari.watch(LEG) as watch:
            async with channels.open_outgoing_channel(ari, LEG, contact, caller_id='"Ann" <+15550100>'):
                call = await phone.wait_call()
                assert call.caller == "+15550100"
                await watch.wait_for(StasisStart, 5)
                silence = call.heard_level()
                await channels.start_music(ari, LEG)
                await until(_hears(call, LOUD))
                await channels.stop_music(ari, LEG)
                await channels.start_silence(ari, LEG)
                await channels.stop_silence(ari, LEG)
                for direction in ("in", "out", "both"):
                    await channels.mute(ari, LEG, direction)
                    await channels.unmute(ari, LEG, direction)
                await channels.hold(ari, LEG)
                await call.wait_media("sendonly")
                await channels.unhold(ari, LEG)
                await call.wait_media("sendrecv")
                call.send_digits("7")
                assert (await watch.wait_for(ChannelDtmfReceived, 5)).digit == "7"
                call.send_digits("8", is_info=True)
                assert (await watch.wait_for(ChannelDtmfReceived, 5)).digit == "8"
                await channels.send_digits(ari, LEG, "42#")
                assert await call.wait_digits(3) == "42#"
                call.refer("sip:elsewhere@127.0.0.1:9")
                assert silence < LOUD
            assert (await call.wait_ended()).status == 200


def _hears(call: Any, level: float) -> Any:
    async def question() -> bool:
        return bool(call.heard_level(0.3) > level)

    return question


async def test_the_sound_before_the_answer_is_heard(real_asterisk: RealAsterisk) -> None:
    tone = real_asterisk.sounds / "ringing"
    write_tone(tone, 400, 2)
    async with connected(real_asterisk) as ari, open_sip_peer("callee", answer_seconds=None) as peer:
        with ari.watch(LEG) as watch:
            endpoint = f"PJSIP/outgoing/{peer.uri}"
            async with channels.open_created_channel(ari, LEG, endpoint, caller_number="+15550100", caller_name="Ann"):
                await channels.dial(ari, LEG, ring_seconds=20)
                call = await peer.wait_call()
                assert call.header("From").startswith('"Ann" <sip:+15550100@')
                call.progress()
                while (event := await watch.wait_for(Dial, 5)).dialstatus != "PROGRESS":
                    assert event.dialstatus in {"", "RINGING"}
                await call.answer()
                while (await watch.wait_for(Dial, 5)).dialstatus != "ANSWER":
                    pass
            await call.wait_ended()
            for status, cause in ((486, 17), (603, 21), (404, 1), (480, 19)):
                leg = asterisk_id("leg", str(status))
                with ari.watch(leg) as refused:
                    async with channels.open_created_channel(ari, leg, endpoint):
                        await channels.dial(ari, leg)
                        await (await peer.wait_call()).hang_up(status)
                        gone = await refused.wait_for(ChannelDestroyed, 5)
                        assert gone.cause == cause


async def test_registrations_outlive_asterisk(real_asterisk: RealAsterisk) -> None:
    store = FakeStore(Shelf([make_extension("1001", "secret")]))
    async with (
        phones_of(real_asterisk, store) as (ari, _),
        open_sip_peer("1001", registrar=registrar(real_asterisk), password="secret") as phone,
    ):
        assert await phone.wait_registered() == 200
        before = await list_contacts(ari, "1001")
        reconnected = asyncio.Event()

        async def note() -> None:
            reconnected.set()

        await ari.on_connected(note)
        reconnected.clear()

        async def is_on_disk() -> bool:  # Asterisk writes its database once a second
            return _count_contacts(real_asterisk) == 1

        await until(is_on_disk)
        os.kill(real_asterisk.program.pid, signal.SIGKILL)
        await asyncio.wait_for(reconnected.wait(), 30)
        assert await list_contacts(ari, "1001") == before
        async with channels.open_outgoing_channel(ari, LEG, before[0]):
            call = await phone.wait_call()
            await call.wait_answered()
        phone.register()
        assert await phone.wait_registered() == 200


def _count_contacts(asterisk: RealAsterisk) -> int:
    with closing(sqlite3.connect(asterisk.program.config.instance_dir / "lib/astdb.sqlite3")) as database:
        return int(database.execute("SELECT count(*) FROM astdb WHERE key LIKE '/registrar/%'").fetchone()[0])


async def test_what_an_earlier_program_pushed_is_taken_back(real_asterisk: RealAsterisk) -> None:
    trunk = make_trunk(auth_types=(TrunkAuth.IP,), allowed_ips=("127.0.0.0/8",), hostname="127.0.0.1:9")
    async with phones_of(real_asterisk, FakeStore(Shelf([make_extension("old", "x")]), Shelf([trunk]))) as (ari, _):
        assert {"old", trunk_endpoint(trunk.id)} <= await endpoint_names(ari)
    # The connection is another one, the Asterisk the same.
    async with phones_of(real_asterisk, FakeStore(Shelf([make_extension("young", "x")]))) as (ari, _):
        assert await endpoint_names(ari) == {"anonymous", "outgoing", "young"}
        async with open_sip_peer("guest") as guest:
            await guest.call(dialled(real_asterisk, "1002"))
            assert (await anext(aiter(ari.arrivals))).args == ("incoming",)


async def endpoint_names(ari: Ari) -> set[str]:
    listed = cast("list[dict[str, Any]]", await ari.request("GET", "/endpoints/PJSIP"))
    return {it["resource"] for it in listed}


async def test_a_trunk_by_address_goes_both_ways(real_asterisk: RealAsterisk) -> None:
    async with open_sip_peer("provider") as provider:
        trunk = make_trunk(auth_types=(TrunkAuth.IP,), allowed_ips=("127.0.0.1",), hostname=provider.host)
        async with phones_of(real_asterisk, FakeStore(trunks=Shelf([trunk]))) as (ari, _):
            endpoint = f"PJSIP/+821012345678@{trunk_endpoint(trunk.id)}"
            with ari.watch(LEG) as watch:
                async with channels.open_outgoing_channel(ari, LEG, endpoint, caller_id="<+15550100>"):
                    call = await provider.wait_call()
                    assert call.request_uri == f"sip:+821012345678@{provider.host}"
                    assert call.header("From").startswith("<sip:+15550100@127.0.0.1>")
                    await watch.wait_for(StasisStart, 5)
            await call.wait_ended()
            call = await provider.call(dialled(real_asterisk, "+15550100"))
            start = await anext(aiter(ari.arrivals))
            assert (start.channel.dialplan.exten, start.args) == ("+15550100", ("trunk", trunk.id, "+15550100"))


async def test_a_trunk_by_password_must_prove_itself(real_asterisk: RealAsterisk) -> None:
    trunk = make_trunk(auth_types=(TrunkAuth.BASIC,), username="office-pbx", password="of the office")
    async with phones_of(real_asterisk, FakeStore(trunks=Shelf([trunk]))) as (ari, _):
        async with open_sip_peer("office-pbx", password="wrong") as pbx:
            assert (await (await pbx.call(dialled(real_asterisk, "7101"))).wait_ended()).status in {401, 403}
        async with open_sip_peer("office-pbx", password="of the office") as pbx:
            await pbx.call(dialled(real_asterisk, "7101"))
            assert (await anext(aiter(ari.arrivals))).args == ("trunk", trunk.id, "7101")


async def test_a_trunk_by_the_domain_that_it_calls(real_asterisk: RealAsterisk) -> None:
    login = {"username": "office-pbx", "password": "of the office"}
    trunk = replace(make_trunk(auth_types=(TrunkAuth.BASIC,), **login), domain_name="office")
    server = registrar(real_asterisk)
    async with phones_of(real_asterisk, FakeStore(trunks=Shelf([trunk]))) as (ari, _):
        async with open_sip_peer("+15550100", auth_user="office-pbx", password="of the office", proxy=server) as pbx:
            for host in ("office.trunk.callscribe.test", "office"):
                call = await pbx.call(f"sip:7101@{host}")
                assert (await anext(aiter(ari.arrivals))).args == ("trunk", trunk.id, "7101")
                await call.hang_up()
            await pbx.call("sip:7101@office.elsewhere.test")
            assert (await anext(aiter(ari.arrivals))).args == ("incoming",)
        async with open_sip_peer("+15550100", proxy=server) as stranger:
            call = await stranger.call("sip:7101@office.trunk.callscribe.test")
            assert (await call.wait_ended()).status == 401


async def test_a_trunk_by_registration(real_asterisk: RealAsterisk, asterisk_root: Path) -> None:
    """The provider is a second Asterisk, with an account for us among its phones."""
    with TemporaryDirectory(prefix="callscribe-provider-") as folder:
        Path(folder).chmod(0o711)
        async with open_real_asterisk(asterisk_root, Path(folder)) as provider:
            account = FakeStore(Shelf([make_extension("account-7", "for us")]))
            trunk = make_trunk(
                username="account-7",
                password="for us",
                hostname=f"127.0.0.1:{provider.program.config.sip_port}",
                is_registering=True,
            )
            async with (
                phones_of(provider, account) as (theirs, _),
                phones_of(real_asterisk, FakeStore(trunks=Shelf([trunk]))) as (ours, phones),
            ):

                async def registered() -> bool:
                    return await is_registered(theirs, "account-7")

                await until(registered, 10)
                (contact,) = await list_contacts(theirs, "account-7")
                # In: the provider calls our contact; the dialled number stands in To at many, here it is the account.
                async with channels.open_outgoing_channel(theirs, LEG, contact):
                    start = await anext(aiter(ours.arrivals))
                    assert start.args[:2] == ("trunk", trunk.id)
                    await channels.hang_up(ours, start.channel.id)
                # Out: the provider asks for our password and lets the call through.
                endpoint = f"PJSIP/+821012345678@{trunk_endpoint(trunk.id)}"
                async with channels.open_outgoing_channel(ours, LEG, endpoint, caller_id="<account-7>"):
                    start = await anext(aiter(theirs.arrivals))
                    assert start.args == ("extension", "account-7")
                    assert start.channel.dialplan.exten == "+821012345678"
                phones._store.trunks.rows.clear()  # type: ignore[attr-defined]
                await phones.sync()

                async def unregistered() -> bool:
                    return not await is_registered(theirs, "account-7")

                await until(unregistered, 10)


async def test_the_leg_to_a_conference(real_asterisk: RealAsterisk) -> None:
    conference_id, room_leg = new_id(), asterisk_id("leg", "room")
    async with connected(real_asterisk) as ari:
        with ari.watch(LEG) as ours, ari.watch(room_leg) as theirs:
            query = {"endpoint": f"Local/{conference_id}@conference/n", "app": ari.application}
            query["otherChannelId"] = room_leg
            await ari.request("POST", f"/channels/{LEG}", query)
            start = await theirs.wait_for(StasisStart, 5)
            assert start.args == ("conference", conference_id)
            assert start.channel.dialplan.exten == conference_id
            await channels.answer(ari, room_leg)
            await ours.wait_for(StasisStart, 5)
            await channels.hang_up(ari, LEG)
            await theirs.wait_for(ChannelDestroyed, 5)
