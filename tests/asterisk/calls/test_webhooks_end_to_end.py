"""Webhooks of real calls: the receiver away, refusing, hanging, redirecting, and the app killed in between."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import aiohttp
import psutil
import pytest
import pytest_asyncio

from app.cli.caller import CallPlan, open_caller
from tests.asterisk.calls.conversation import write_script
from tests.asterisk.calls.instance import Instance, open_instance
from tests.asterisk.calls.test_early_ends import NOTHING, call_of
from tests.asterisk.calls.webhook_receiver import HANG, MOVED, Receiver, Request, always, reserve_receiver
from tests.speech_files import english_files

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

FLOWS = {
    "assist": {
        "name": "listens",
        "numbers": ["7401"],
        "language": "en-US",
        "actions": [
            {"type": "answer"},
            {"type": "transcribe_start"},
            {"type": "sleep", "option": {"duration": 600_000}},
        ],
    },
}
SPEECH = {"transcribe_speech_started", "transcribe_speech_interim", "transcribe_speech_ended"}
A_FLOW = {"actions": [{"type": "answer"}]}


@dataclass(frozen=True)
class Story:
    """What happened, and what is left of it at the end."""

    requests: list[Request]
    secret: str
    deliveries: list[dict[str, Any]]
    """All of the outbox, in the order of `seq`."""
    events: list[dict[str, Any]]
    """All stored events, as a WebSocket client with `since: 0` gets them at the end."""
    killed: dict[str, Any]
    """The call that lived when the app was killed, as it was then."""
    seq_of_kill: int
    missed: list[dict[str, Any]]
    """What a client that was connected before gets with `since` after the restart."""
    goodbye: dict[str, Any]
    residue: dict[str, Any]
    after: dict[str, Any]
    """The call after the restart."""
    failed: list[dict[str, Any]]
    resend_of_pending: int

    @property
    def accepted(self) -> list[Request]:
        return [request for request in self.requests if request.is_accepted]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def story(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    """The receiver is away, answers 500, hangs; the app is killed in a call; then redirects, a hang of 30 s, 410."""
    script = write_script(english_files()[:8], tmp_path_factory.mktemp("webhooks") / "said.wav", lead_seconds=0.2)
    async with (
        reserve_receiver() as receiver,
        open_instance(FLOWS, CALLSCRIBE_WEBHOOK_NETWORKS="127.0.0.0/8") as house,
    ):
        secret = await configure(house, receiver)
        plan = CallPlan(house.sip_uri("7401"), say=script.wav, user="ann", stay_seconds=60)
        async with open_caller(plan) as ann:
            await house.wait_for(lambda it: it.of_type("transcript_created"), 20, "a transcript")
            assert await deliveries_of(house, status="delivered") == []
            receiver.answer = always(500)
            await receiver.open()
            await receiver.wait_for(lambda: len(receiver.requests) >= 2, 20, "refused requests")
            receiver.answer = always(HANG)
            await receiver.wait_for(lambda: receiver.requests[-1].status == HANG, 20, "a hanging request")
            await house.wait_for(lambda it: len(it.of_type("transcript_created")) >= 2, 20, "two transcripts")
            killed = call_of(house, "ann", "call_progressing")
            assert killed is not None
            seq_of_kill = house.events[-1]["seq"]
            orphan = asterisk_of(house)
            await house.kill()
            receiver.answer = hang_once_at(killed["id"], "call_hangup", otherwise=307)
            await house.start()
            goodbye = (await ann.finish())[-1]
        assert not orphan.is_running()
        assert asterisk_of(house) != orphan
        residue = await house.residue()
        missed = await replay(house, seq_of_kill)
        await receiver.wait_for(lambda: is_hanging(receiver, "call_hangup"), 10, "the hang")
        async with open_caller(CallPlan(house.sip_uri("7401"), user="ben", stay_seconds=0.5)) as ben:
            await ben.finish()
        await receiver.wait_for(lambda: accepted_hangup(receiver, "ben"), 10, "the end of the second call")
        failed, resend_of_pending = await fail_and_resend(house, receiver, killed["id"])
        await receiver.wait_for(lambda: accepted_hangup(receiver, "ann"), 45, "the delivery that hung")
        await until(lambda: is_none(house, "pending"), 15, "an empty outbox")
        after = accepted_hangup(receiver, "ben")
        assert after is not None
        yield Story(
            requests=receiver.requests,
            secret=secret,
            deliveries=sorted(await deliveries_of(house), key=lambda delivery: int(delivery["seq"])),
            events=await replay(house, 0),
            killed=killed,
            seq_of_kill=seq_of_kill,
            missed=missed,
            goodbye={"name": goodbye.name, "status": goodbye.status},
            residue=residue,
            after=after.event["data"],
            failed=failed,
            resend_of_pending=resend_of_pending,
        )


async def configure(house: Instance, receiver: Receiver) -> str:
    """Point the customer's webhook at the receiver; what it is signed with."""
    before = await house.get("/customer")
    code, customer = await house.put("/customer", {"webhook_uri": receiver.uri, "webhook_method": "POST"})
    assert code == 200, customer
    assert (customer["webhook_uri"], customer["name"]) == (receiver.uri, before["name"])
    return str(customer["webhook_secret"])


def asterisk_of(house: Instance) -> psutil.Process:
    """The one embedded Asterisk of this folder."""
    wanted = str(house.home / "asterisk/etc/asterisk.conf")
    found = [process for process in psutil.process_iter(["cmdline"]) if wanted in (process.info["cmdline"] or ())]
    assert len(found) == 1, found
    return found[0]


def hang_once_at(call_id: str, event_type: str, *, otherwise: int) -> Callable[[Request], int]:
    """The first attempt to tell this of the call is never answered."""

    def answer(request: Request) -> int:
        event = request.event
        is_it = event["type"] == event_type and event["data"]["id"] == call_id and request.attempt == 1
        return HANG if is_it else otherwise

    return answer


def is_hanging(receiver: Receiver, event_type: str) -> bool:
    return any(request.status == HANG and request.event["type"] == event_type for request in receiver.requests)


def accepted_hangup(receiver: Receiver, user: str) -> Request | None:
    return next(
        (
            request
            for request in receiver.accepted
            if request.event["type"] == "call_hangup" and request.event["data"]["source"]["target"] == user
        ),
        None,
    )


async def fail_and_resend(house: Instance, receiver: Receiver, hanging_call: str) -> tuple[list[dict[str, Any]], int]:
    """Two events that are answered 410 are given up, listed, and sent again: one by its id, one with all the failed."""
    usual = receiver.answer
    receiver.answer = lambda request: 410 if request.event["type"] == "flow_created" else usual(request)
    for _ in range(2):
        code, flow = await house.post("/flows", A_FLOW)
        assert code == 200, flow
    await until(lambda: has_failed(house, 2), 10, "failed deliveries")
    failed = await deliveries_of(house, status="failed")
    receiver.answer = usual
    code, resent = await house.post(f"/webhook_deliveries/{failed[0]['id']}/resend")
    assert (code, resent["status"], resent["id"]) == (200, "pending", failed[0]["id"])
    code, count = await house.post("/webhook_deliveries/resend")
    assert (code, count) == (200, {"resent": 1})
    wanted = {delivery["id"] for delivery in failed}
    await receiver.wait_for(lambda: wanted <= {each.delivery_id for each in receiver.accepted}, 10, "the resent ones")
    waiting = next(
        delivery
        for delivery in await deliveries_of(house, status="pending")
        if delivery["event_type"] == "call_hangup" and delivery["payload"]["data"]["id"] == hanging_call
    )
    code, _ = await house.post(f"/webhook_deliveries/{waiting['id']}/resend")
    return failed, code


async def has_failed(house: Instance, count: int) -> bool:
    return len(await deliveries_of(house, status="failed")) == count


async def is_none(house: Instance, status: str) -> bool:
    return not await deliveries_of(house, status=status)


async def until(condition: Callable[[], Any], seconds: float, what: str) -> None:
    """Ask the API until it is so: what the sender stores is told by no event."""
    try:
        async with asyncio.timeout(seconds):
            while not await condition():
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError(f"{what}: not within {seconds} s") from None


async def deliveries_of(house: Instance, **query: str) -> list[dict[str, Any]]:
    """All pages of the outbox."""
    rows: list[dict[str, Any]] = []
    while True:
        page = await house.get("/webhook_deliveries", page_size="100", **query)
        rows += page["result"]
        if not page["next_page_token"]:
            return rows
        query["page_token"] = page["next_page_token"]


@asynccontextmanager
async def open_feed(house: Instance, since: int) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with house.session.ws_connect(f"{house.api}/ws") as feed:
        topics = [f"customer_id:{house.customer_id}:"]
        await feed.send_json({"type": "subscribe", "topics": topics, "since": since})
        yield feed


async def replay(house: Instance, since: int) -> list[dict[str, Any]]:
    """All frames after `since` up to the one that says that these were all, that one too."""
    frames: list[dict[str, Any]] = []
    async with open_feed(house, since) as feed, asyncio.timeout(10):
        while not frames or frames[-1]["type"] != "replay_done":
            frames.append(await feed.receive_json())
    return frames


def call_ids(events: list[dict[str, Any]]) -> Callable[[dict[str, Any]], str]:
    """Which call an event is about, "" for none."""
    calls = {event["data"]["id"] for event in events if event["type"].startswith("call_")}
    references = {
        event["data"]["id"]: event["data"]["reference_id"] for event in events if "reference_id" in event["data"]
    }

    def call_id(event: dict[str, Any]) -> str:
        fields = event["data"]
        wanted = [fields["id"], fields.get("reference_id"), references.get(fields.get("transcribe_id"))]
        return next((each for each in wanted if each in calls), "")

    return call_id


async def test_all_events_arrive(story: Story) -> None:
    assert {delivery["status"] for delivery in story.deliveries} == {"delivered"}
    assert {request.delivery_id for request in story.accepted} == {delivery["id"] for delivery in story.deliveries}
    *events, done = story.events
    first = story.deliveries[0]
    assert first["event_type"] == "customer_updated"
    stored = {event["seq"]: {"type": event["type"], "data": event["data"]} for event in events}
    told = {delivery["seq"]: delivery["payload"] for delivery in story.deliveries}
    assert {seq: body for seq, body in stored.items() if seq >= first["seq"]} == {
        seq: body for seq, body in told.items() if body["type"] not in SPEECH
    }
    by_id = {delivery["id"]: delivery["payload"] for delivery in story.deliveries}
    assert all(request.event == by_id[request.delivery_id] for request in story.requests)
    assert done["seq"] == max(told)


async def test_none_comes_twice_with_another_id(story: Story) -> None:
    seqs = [delivery["seq"] for delivery in story.deliveries]
    assert len(seqs) == len(set(seqs))
    ids = [request.delivery_id for request in story.accepted]
    assert len(ids) == len(set(ids))
    assert {request.delivery_id for request in story.requests} == set(ids)


async def test_the_events_of_a_call_arrive_in_their_order(story: Story) -> None:
    call_id = call_ids([request.event for request in story.accepted])
    seq_of = {delivery["id"]: delivery["seq"] for delivery in story.deliveries}
    told = sorted(
        (call_id(request.event), place, seq_of[request.delivery_id]) for place, request in enumerate(story.accepted)
    )
    groups = {call: [seq for _, _, seq in rows] for call, rows in groupby(told, key=lambda row: row[0]) if call}
    assert {story.killed["id"], story.after["id"]} == set(groups)
    for seqs in groups.values():
        assert len(seqs) > 5
        assert seqs == sorted(seqs)


async def test_attempts_are_counted(story: Story) -> None:
    failed = {delivery["id"] for delivery in story.failed}
    by_id: dict[str, list[Request]] = {}
    for request in story.requests:
        by_id.setdefault(request.delivery_id, []).append(request)
    for delivery_id, requests in by_id.items():
        attempts = [request.attempt for request in requests]
        assert delivery_id in failed or attempts == sorted(attempts)
    assert any(request.status == 500 for request in story.requests)
    assert max(request.attempt for request in story.accepted) >= 3


async def test_a_redirect_keeps_method_body_and_signature(story: Story) -> None:
    moved = [request for request in story.accepted if request.path == MOVED]
    assert len(moved) == len(story.accepted)
    assert {request.method for request in moved} == {"POST"}


async def test_every_request_is_signed(story: Story) -> None:
    assert story.secret
    for request in story.requests:
        expected = hmac.new(story.secret.encode(), request.body, hashlib.sha256).hexdigest()
        assert request.signature == f"sha256={expected}"


async def test_a_request_that_hangs_is_given_up_and_holds_up_only_its_call(story: Story) -> None:
    told = [
        (request.attempt, request.status)
        for request in story.requests
        if request.event["type"] == "call_hangup" and request.event["data"]["id"] == story.killed["id"]
    ]
    assert told == [(1, HANG), (2, 307), (2, 200)]
    places = {request.event["data"]["id"]: place for place, request in enumerate(story.accepted)}
    assert places[story.after["id"]] < places[story.killed["id"]]


async def test_failed_ones_are_listed_and_sent_again(story: Story) -> None:
    assert {delivery["event_type"] for delivery in story.failed} == {"flow_created"}
    assert {delivery["last_error"] for delivery in story.failed} == {"the receiver answered 410"}
    ids = {delivery["id"] for delivery in story.failed}
    assert all(request.attempt == 1 for request in story.requests if request.delivery_id in ids)
    assert {delivery["tm_resend"][:4] for delivery in story.deliveries if delivery["id"] not in ids} == {"9999"}
    assert story.resend_of_pending == 409


async def test_the_killed_call_is_told_to_its_end(story: Story) -> None:
    call_id = call_ids([request.event for request in story.accepted])
    seq_of = {delivery["id"]: delivery["seq"] for delivery in story.deliveries}
    late = [
        request.event
        for request in story.accepted
        if call_id(request.event) == story.killed["id"] and seq_of[request.delivery_id] > story.seq_of_kill
    ]
    ends = {event["type"]: event["data"] for event in late}
    assert {"call_hangup", "activeflow_updated", "transcribe_done"} <= set(ends)
    call = ends["call_hangup"]
    assert (call["status"], call["hangup_by"], call["hangup_reason"]) == ("hangup", "local", "normal")
    assert ends["activeflow_updated"]["status"] == "ended"
    assert ends["transcribe_done"]["status"] == "done"
    transcripts = [request for request in story.accepted if request.event["type"] == "transcript_created"]
    assert len(transcripts) >= 2
    assert story.goodbye["name"] == "ended", "its caller was left in a dead call"


async def test_nothing_of_the_killed_run_is_left_in_asterisk(story: Story) -> None:
    assert story.residue == NOTHING


async def test_a_client_gets_what_it_missed_over_the_websocket(story: Story) -> None:
    *missed, done = story.missed
    assert done["data"] == {"since": story.seq_of_kill, "replayed": len(missed)}
    seqs = [frame["seq"] for frame in missed]
    assert seqs == sorted(set(seqs))
    assert seqs[0] > story.seq_of_kill
    types = [frame["type"] for frame in missed]
    assert {"call_hangup", "activeflow_updated", "transcribe_done"} <= set(types)
    everything = {frame["seq"] for frame in story.events[:-1]}
    assert {seq for seq in everything if story.seq_of_kill < seq <= done["seq"]} == set(seqs)
