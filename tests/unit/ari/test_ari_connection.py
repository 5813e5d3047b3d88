import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from app.ari.ari import Ari, open_ari
from app.ari.backoff import Backoff
from app.ari.errors import AriDisconnected, AriRefused, AriTimeout
from app.ari.event_socket import events_url
from app.ari.events import Disconnected, Reconnected, StasisStart
from app.errors import Unavailable
from tests.scenarios.scripted_asterisk import ScriptedAsterisk

QUICK = Backoff(first_seconds=0.01, limit_seconds=0.05)


@contextlib.asynccontextmanager
async def arriving(ari: Ari) -> AsyncIterator["asyncio.Queue[StasisStart]"]:
    queue: asyncio.Queue[StasisStart] = asyncio.Queue()

    async def read() -> None:
        async for start in ari.arrivals:
            queue.put_nowait(start)

    task = asyncio.create_task(read())
    yield queue
    task.cancel()
    await asyncio.wait((task,))


@pytest.mark.parametrize(
    "url", ["http://host:8088", "http://host:8088/", "http://host:8088/ari", "ws://host:8088/ari/events"]
)
def test_the_socket_address_comes_from_any_usual_form(url: str) -> None:
    assert events_url(url, "callscribe") == "ws://host:8088/ari/events?app=callscribe&subscribeAll=false"


async def test_requests_are_answered_over_the_socket(ari: Ari, asterisk: ScriptedAsterisk) -> None:
    assert await ari.request("GET", "/asterisk/ping") == {"ping": "pong"}
    assert await ari.request("POST", "/bridges/b1", {"type": "mixing"}) is not None
    assert await ari.request("DELETE", "/bridges/b1") is None


async def test_a_refusal_has_status_reason_and_path(ari: Ari) -> None:
    with pytest.raises(AriRefused, match=r"refused GET /channels/x: 404 Channel not found") as caught:
        await ari.request("GET", "/channels/x")
    assert (caught.value.status, caught.value.path, caught.value.reason) == (404, "/channels/x", "Channel not found")


async def test_an_unanswered_request_times_out_and_its_late_answer_is_ignored(
    ari: Ari, asterisk: ScriptedAsterisk
) -> None:
    asterisk.faults.delay("GET", "/channels", 0.05)
    with pytest.raises(AriTimeout, match="did not answer GET /channels"):
        await ari.request("GET", "/channels", timeout_seconds=0.01)
    assert await ari.request("GET", "/asterisk/ping") == {"ping": "pong"}


async def test_pending_requests_fail_at_once_when_the_connection_is_lost(ari: Ari, asterisk: ScriptedAsterisk) -> None:
    asterisk.faults.ignore("GET", "/channels")
    pending = asyncio.create_task(ari.request("GET", "/channels", timeout_seconds=60))
    await asterisk.until(lambda: bool(asterisk.asked("GET", "/channels")))
    asterisk.drop_socket()
    with pytest.raises(AriDisconnected):
        await pending


async def test_requests_without_a_connection_fail_with_the_cause(ari: Ari, asterisk: ScriptedAsterisk) -> None:
    asterisk.is_refusing = True
    with ari.watch("any") as watch:
        asterisk.drop_socket()
        assert isinstance(await watch.next(5), Disconnected)
    assert not ari.is_connected
    with pytest.raises(AriDisconnected, match="there is no connection to Asterisk"):
        await ari.request("GET", "/channels")


async def test_wrong_password_fails_at_once(asterisk: ScriptedAsterisk) -> None:
    with pytest.raises(AriDisconnected, match="wrong user or password"):
        async with open_ari(asterisk.url, "scripted", "wrong"):
            pass


async def test_nobody_there_fails_with_the_cause() -> None:
    with pytest.raises(Unavailable, match=r"cannot connect to Asterisk at http://127\.0\.0\.1:9"):
        async with open_ari("http://127.0.0.1:9", "u", "p", connect_timeout_seconds=0.1, backoff=QUICK):
            pass


async def test_something_else_there_fails_with_the_cause(asterisk: ScriptedAsterisk) -> None:
    with pytest.raises(AriDisconnected, match="not as Asterisk's ARI does: HTTP 404"):
        async with open_ari(asterisk.url + "/other", "u", "p", connect_timeout_seconds=0.1, backoff=QUICK):
            pass


async def test_an_asterisk_that_is_still_starting_is_waited_for(asterisk: ScriptedAsterisk) -> None:
    asterisk.is_refusing = True
    opening = asyncio.create_task(_open_and_close(asterisk))
    await asyncio.sleep(0)
    asterisk.is_refusing = False
    await opening
    assert asterisk.connections == 1


async def _open_and_close(asterisk: ScriptedAsterisk) -> None:
    async with open_ari(asterisk.url, asterisk.user, asterisk.password, backoff=QUICK):
        pass


async def test_after_a_broken_connection_hooks_run_before_new_calls_come(ari: Ari, asterisk: ScriptedAsterisk) -> None:
    order: list[str] = []
    has_begun, may_end = asyncio.Event(), asyncio.Event()
    is_first = True

    async def hook() -> None:
        nonlocal is_first
        order.append("hook")
        if not is_first:
            has_begun.set()
            await may_end.wait()
            order.append("hook ended")
        is_first = False

    await ari.on_connected(hook)
    assert order == ["hook"]
    async with arriving(ari) as calls:
        with ari.watch("mine") as watch:
            asterisk.drop_socket()
            assert isinstance(await watch.next(5), Disconnected)
            assert isinstance(await watch.next(5), Reconnected)
        await has_begun.wait()
        leg = await asterisk.place_call("1000")
        assert await ari.request("GET", "/asterisk/ping") == {"ping": "pong"}
        assert order == ["hook", "hook"]
        assert calls.empty()
        may_end.set()
        assert (await calls.get()).channel.id == leg.id
    assert order == ["hook", "hook", "hook ended"]


@pytest.mark.parametrize("how", ["drop", "close", "silence"])
async def test_it_comes_back_however_the_connection_ended(ari: Ari, asterisk: ScriptedAsterisk, how: str) -> None:
    with ari.watch("mine") as watch:
        if how == "drop":
            asterisk.drop_socket()
            assert isinstance(await watch.next(5), Disconnected)
        elif how == "close":
            await asterisk.close_socket()
            assert isinstance(await watch.next(5), Disconnected)
        else:
            with asterisk.silence():
                assert isinstance(await watch.next(5), Disconnected)
        assert isinstance(await watch.next(5), Reconnected)
    assert await ari.request("GET", "/asterisk/ping") == {"ping": "pong"}


async def test_a_failing_hook_makes_it_connect_again(ari: Ari, asterisk: ScriptedAsterisk) -> None:
    outcomes = iter([None, Unavailable("not now"), None])
    done = asyncio.Event()

    async def hook() -> None:
        outcome = next(outcomes, None)
        if outcome is not None:
            raise outcome
        if asterisk.connections == 3:
            done.set()

    await ari.on_connected(hook)
    asterisk.drop_socket()
    await asyncio.wait_for(done.wait(), 5)


async def test_a_hook_with_a_bug_ends_it_loudly(asterisk: ScriptedAsterisk) -> None:
    runs = 0

    async def hook() -> None:
        nonlocal runs
        runs += 1
        if runs == 2:
            raise ZeroDivisionError

    async def live() -> None:
        async with open_ari(asterisk.url, asterisk.user, asterisk.password, backoff=QUICK) as ari:
            await ari.on_connected(hook)
            asterisk.drop_socket()
            async for _ in ari.arrivals:
                pass

    with pytest.raises(ZeroDivisionError):
        await live()


async def test_another_client_makes_it_stand_down(ari: Ari, asterisk: ScriptedAsterisk) -> None:
    told: list[bool] = []
    ari.on_replaced(lambda: told.append(ari.is_replaced))
    with ari.watch("mine") as watch:
        async with open_ari(asterisk.url, asterisk.user, asterisk.password, backoff=QUICK):
            with pytest.raises(AriDisconnected, match="took the application callscribe over"):
                async for _ in ari.arrivals:
                    pass
            assert told == [True]
            assert isinstance(await watch.next(5), Disconnected)
            with pytest.raises(AriDisconnected, match="took the application"):
                await watch.next(5)
            with pytest.raises(AriDisconnected, match="took the application"):
                await ari.request("GET", "/channels")
    assert asterisk.connections == 2


async def test_closing_ends_watches_and_arrivals(asterisk: ScriptedAsterisk) -> None:
    async with open_ari(asterisk.url, asterisk.user, asterisk.password) as ari:
        watch = ari.watch("mine")
    assert isinstance(await watch.next(), Disconnected)
    with pytest.raises(AriDisconnected, match="it was closed"):
        await watch.next()
    assert [it async for it in ari.arrivals] == []


async def test_too_many_waiting_calls_are_turned_away(ari: Ari, asterisk: ScriptedAsterisk) -> None:
    ari.arrivals._limit = 2
    legs = [await asterisk.place_call("1000") for _ in range(3)]
    assert await legs[2].ended() == 42
    assert not legs[0].is_ended
    assert not legs[1].is_ended
