"""Two customers on one instance, with calls at the same time: nothing of one is ever visible to the other."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import aiohttp
import pytest
import pytest_asyncio

from app.cli.caller import Caller, CallPlan, open_caller
from app.domain.ids import new_id
from app.domain.timestamps import now
from app.store import open_store
from tests.asterisk.calls.conversation import write_script
from tests.asterisk.calls.instance import KEY, Instance, open_instance
from tests.asterisk.calls.sip_peer import SipPeer, open_sip_peer
from tests.asterisk.calls.tenant import Reply, Tenant, create_customer, open_feed
from tests.asterisk.calls.test_early_ends import hang_up_after
from tests.speech_files import english_files

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

FOLDER = {"folder": {"name": "zanzibar of the folder", "numbers": ["7500"], "actions": [{"type": "answer"}]}}
LIMITS = {
    "CALLSCRIBE_RATE_LIMIT_API_PER_CUSTOMER": "60",
    "CALLSCRIBE_RATE_LIMIT_API_PER_IP": "40",
    "CALLSCRIBE_RATE_LIMIT_AUTH_PER_IP": "5",
}
PASSWORD = "correct-horse-7"
WAIT = {"type": "sleep", "option": {"duration": 600_000}}
SOURCE = {"type": "tel", "target": "+15551230000"}
AGENT, ADMIN, MANAGER = 0x10, 0x20, 0x40

BODIES: dict[str, Any] = {
    "/addresses": {"addresses": []},
    "/password": {"password": PASSWORD},
    "/permission": {"permission": AGENT},
    "/status": {"status": "available"},
    "/tag_ids": {"tag_ids": []},
    "/talk": {"text": "hello"},
    "/say": {"text": "hello"},
    "/transcribe_start": {"language": "en-US"},
}
"""What routes with an id need, by the end of their path; the others are content with {}."""


@dataclass(frozen=True)
class Town:
    """Both customers, in the middle of their calls."""

    house: Instance
    first: Tenant
    second: Tenant
    document: dict[str, Any]
    phones: dict[str, SipPeer]
    callers: list[Caller]
    admins: dict[str, str]
    """The token of each customer's admin, by the customer's word."""

    @property
    def pairs(self) -> tuple[tuple[Tenant, Tenant], ...]:
        """Who asks, and whose things it asks for."""
        return (self.first, self.second), (self.second, self.first)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """Make the second customer by the command, give both the same things, let their calls begin, and go on."""
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(open_instance(FOLDER, **LIMITS))
        first = Tenant(house, "zanzibar", KEY, house.customer_id)
        second, password = await create_customer(house, "quetzal")
        admins = {
            first.word: await log_in(first, "admin", "of the tests only"),
            second.word: await log_in(second, "quetzal-admin", password),
        }
        document = json.loads((await first.ask("GET", "/openapi.json", key="")).text)
        for tenant in (first, second):
            following = asyncio.create_task(tenant.follow())
            stack.push_async_callback(end, following)
        await furnish(first, "751")
        await furnish(second, "752")
        phones = await enter_phones(stack, house, first, second)
        folder = tmp_path_factory.mktemp("customers")
        callers = [
            *await enter_callers(stack, first, "ann", write_script(english_files()[:6], folder / "a.wav").wav),
            *await enter_callers(stack, second, "bob", write_script(english_files()[6:12], folder / "b.wav").wav),
        ]
        await asyncio.gather(use_calls(first, "ann", admins), use_calls(second, "bob", admins))
        yield Town(house, first, second, document, phones, callers, admins)


async def end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def log_in(tenant: Tenant, username: str, password: str = PASSWORD) -> str:
    """The token of an agent."""
    reply = await tenant.ask("POST", "/auth/login", {"username": username, "password": password}, key="")
    assert reply.status == 200, reply.text
    return str(reply.json["token"])


async def furnish(tenant: Tenant, numbers: str) -> None:
    """Make one of everything that needs no call."""
    word = tenant.word
    webhook = {"webhook_uri": f"http://127.0.0.1:9/{word}", "webhook_method": "POST", "detail": word}
    assert (await tenant.ask("PUT", "/v1.0/customer", webhook)).status == 200
    listens = [
        {"type": "answer"},
        {"type": "transcribe_start", "option": {"language": "en-US"}},
        {"type": "talk", "option": {"text": f"Welcome to {word}", "language": "en-US"}},
        WAIT,
    ]
    conference = await tenant.make("conferences", {"name": word, "data": {"of": word}})
    joins = [{"type": "conference_join", "option": {"conference_id": conference["id"]}}]
    room = await tenant.make("flows", {"name": f"{word} room", "actions": joins})
    queue = await tenant.make("queues", {"name": word, "wait_timeout": 600_000})
    waits = [{"type": "answer"}, {"type": "queue_join", "option": {"queue_id": queue["id"]}}]
    line = await tenant.make("flows", {"name": f"{word} waits", "actions": waits})
    flow = await tenant.make("flows", {"name": f"{word} listens", "actions": listens})
    tenant.number, tenant.room_number, tenant.queue_number = (f"{numbers}{last}" for last in "123")
    await tenant.make("numbers", {"number": tenant.queue_number, "name": word, "call_flow_id": line["id"]})
    await tenant.make("numbers", {"number": tenant.room_number, "name": word, "call_flow_id": room["id"]})
    await tenant.make("numbers", {"number": tenant.number, "name": word, "call_flow_id": flow["id"]})
    tenant.phone = await tenant.make("extensions", {"extension": "1001", "password": PASSWORD, "name": word})
    await tenant.make("trunks", {"name": word, "domain_name": f"{word}-pbx"})
    person = {"username": f"{word}-person", "password": PASSWORD, "permission": AGENT, "name": word}
    await tenant.make("agents", person)
    await tenant.make("accesskeys", {"name": word})
    await tenant.make("activeflows", {"actions": [WAIT], "variables": {"of": word}})
    config = {"name": word, "destination_whitelist": ["kr" if numbers.endswith("1") else "de"]}
    assert (await tenant.ask("PUT", "/v1.0/outbound_config", config)).status == 200


async def enter_phones(stack: AsyncExitStack, house: Instance, first: Tenant, second: Tenant) -> dict[str, SipPeer]:
    """The phones 1001 of both, and one more of the first, registered."""
    assert (first.phone["extension"], second.phone["extension"]) == ("1001", "1001")
    assert first.phone["username"] != second.phone["username"]
    other = (await first.ask("POST", "/v1.0/extensions", {"extension": "1002", "password": PASSWORD})).json
    registrar = f"sip:127.0.0.1:{house.sip_port}"
    wanted = {"first": first.phone, "second": second.phone, "other": other}
    peers = await asyncio.gather(
        *(
            stack.enter_async_context(open_sip_peer(made["username"], registrar=registrar, password=PASSWORD))
            for made in wanted.values()
        )
    )
    assert [await peer.wait_registered() for peer in peers] == [200, 200, 200]
    return dict(zip(wanted, peers, strict=True))


async def enter_callers(stack: AsyncExitStack, tenant: Tenant, user: str, say: Path) -> list[Caller]:
    """Three guests: one speaks to the number, one is in the room, one waits in the queue."""
    numbers = (tenant.number, tenant.room_number, tenant.queue_number)
    uri, room, line = (tenant.house.sip_uri(number) for number in numbers)
    plans = (
        CallPlan(uri, say=say, user=user, stay_seconds=90, max_seconds=100),
        CallPlan(room, user=f"{user}2", stay_seconds=90, max_seconds=100),
        CallPlan(line, user=f"{user}3", stay_seconds=90, max_seconds=100),
    )
    return [await stack.enter_async_context(open_caller(plan)) for plan in plans]


async def use_calls(tenant: Tenant, user: str, admins: dict[str, str]) -> None:
    """Make one of everything that needs a call; note the ids."""
    ids = tenant.ids
    await tenant.wait_for(3, "call_progressing")
    calls = {call["source"]["target"]: call["id"] for call in tenant.events("call_progressing")}
    ids["calls"] = calls[user]
    ids["queuecalls"] = (await tenant.wait_for(1, "queuecall_waiting"))[0]["id"]
    ids["conferencecalls"] = (await tenant.wait_for(1, "conferencecall_joined"))[0]["id"]
    await tenant.make("speakings", {"reference_type": "call", "reference_id": calls[user]})
    started = await tenant.ask("POST", f"/v1.0/calls/{calls[user]}/recording_start", {})
    assert started.status == 200, started.text
    ids["recordings"] = started.json["recording_id"]
    order = {
        "source": SOURCE,
        "destinations": [{"type": "extension", "target_name": "1001"}],
        "actions": [{"type": "variable_set", "option": {"key": "of", "value": tenant.word}}, WAIT],
    }
    placed = await tenant.ask("POST", "/v1.0/groupcalls", order, key=admins[tenant.word])
    assert placed.status == 200, placed.text
    ids["groupcalls"] = placed.json["id"]
    transcript = (await tenant.wait_for(1, "transcript_created"))[0]
    ids["transcribes"], ids["transcripts"] = transcript["transcribe_id"], transcript["id"]
    stopped = await tenant.ask("POST", f"/v1.0/calls/{calls[user]}/recording_stop")
    assert stopped.status == 200, stopped.text
    await tenant.wait_for(1, "recording_finished")
    ids["webhook_deliveries"] = (await tenant.get("webhook_deliveries?page_size=1"))["result"][0]["id"]


def resource_of(path: str) -> str:
    """Whose id a path with `{id}` wants."""
    resource = path.split("/")[2]
    return "recordings" if resource == "recordingfiles" else resource


def with_id(document: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """Method, path and a body of every operation on one resource."""
    return [
        (method.upper(), path, next((body for end, body in BODIES.items() if path.endswith(end)), {}))
        for path, operations in document["paths"].items()
        if path.startswith("/v1.0/") and "{" in path
        for method in operations
        if method in {"get", "post", "put", "delete"}
    ]


def lists_of(document: dict[str, Any]) -> list[str]:
    """Every path without an id that can be read with a credential, the feed apart."""
    return [
        path
        for path, operations in document["paths"].items()
        if path.startswith("/v1.0/") and "{" not in path and "get" in operations and path != "/v1.0/ws"
    ]


def with_query(path: str) -> str:
    """A path with what it cannot be asked without."""
    return f"{path}?encapsulation=sln" if path.endswith("/media_stream") else path


def found_in(text: str, secrets: set[str]) -> set[str]:
    lower = text.lower()
    return {secret for secret in secrets if secret in lower}


async def test_no_route_shows_or_changes_what_is_another_customers(town: Town) -> None:
    operations = with_id(town.document)
    assert len(operations) > 70
    for asking, owner in town.pairs:
        before = await snapshot(owner, operations)
        secrets = owner.secrets()
        for method, path, body in operations:
            assert resource_of(path) in owner.ids, f"{path}: this test does not know the resource"
            wanted = owner.ids[resource_of(path)]
            reply = await asking.ask(method, with_query(path.replace("{id}", wanted)), body)
            expected = (404,) if resource_of(path) == "speakings" else (403,)
            assert reply.status in expected, (method, path, reply.status, reply.text)
            assert found_in(reply.text, secrets - {wanted}) == set(), (method, path)
            missing = await asking.ask(method, with_query(path.replace("{id}", new_id())), body)
            assert missing.status == 404, (method, path, missing.status, missing.text)
        assert await snapshot(owner, operations) == before


async def snapshot(tenant: Tenant, operations: list[tuple[str, str, Any]]) -> dict[str, str]:
    """All resources of the tenant as they are."""
    paths = [path for method, path, _ in operations if method == "GET" and path.endswith("{id}")]
    # A link is another one each time; a delivery is being tried again meanwhile.
    paths = [path for path in paths if "recordingfiles" not in path and "webhook_deliveries" not in path]
    return {path: json.dumps(await tenant.get(path[6:].format(id=tenant.ids[resource_of(path)]))) for path in paths}


async def test_no_list_shows_what_is_another_customers(town: Town) -> None:
    paths = lists_of(town.document)
    for asking, owner in town.pairs:
        secrets, ids = owner.secrets(), owner.ids
        assert len(secrets) > 30
        for path in paths:
            query = f"?transcribe_id={asking.ids['transcribes']}" if path.endswith("/transcripts") else ""
            reply = await asking.ask("GET", path + query)
            assert reply.status == 200, (path, reply.text)
            assert found_in(reply.text, secrets) == set(), path
            if "result" in reply.json and path not in {"/v1.0/languages", "/v1.0/available_numbers"}:
                assert reply.json["result"], f"{path}: {asking.word} sees nothing of its own"
        for query, status in (
            (f"transcripts?transcribe_id={ids['transcribes']}", 403),
            (f"conferencecalls?conference_id={ids['conferences']}", 403),
            (f"transcribes?reference_type=call&reference_id={ids['calls']}", 200),
            (f"transcribes?reference_type=confbridge&reference_id={ids['conferences']}", 200),
            ("webhook_deliveries?status=failed", 200),
        ):
            reply = await asking.ask("GET", f"/v1.0/{query}")
            assert reply.status == status, (query, reply.text)
            asked_for = set(ids.values()) & set(dict(parse_qsl(urlsplit(query).query)).values())
            assert found_in(reply.text, secrets - asked_for) == set(), query
            assert "transcribes" not in query or reply.json.get("result", []) == []


async def test_no_body_may_name_what_is_another_customers(town: Town) -> None:
    for asking, owner in town.pairs:
        own, other = asking.ids, owner.ids
        call = {"source": SOURCE, "actions": [WAIT]}
        to_conference = {"type": "conference", "target": other["conferences"]}
        to_extension = {"type": "extension", "target": other["extensions"]}
        to_agent = {"type": "agent", "target": other["agents"]}
        transcribe = {"language": "en-US"}
        tries: list[tuple[str, str, Any, int]] = [
            ("POST", "numbers", {"number": "7999", "call_flow_id": other["flows"]}, 400),
            ("POST", "numbers", {"number": owner.number}, 409),
            ("PUT", f"numbers/{own['numbers']}", {"call_flow_id": other["flows"]}, 400),
            ("PUT", f"numbers/{own['numbers']}/flow_ids", {"call_flow_id": other["flows"]}, 400),
            ("POST", "numbers/renew", {"numbers": [owner.number]}, 400),
            ("POST", "numbers/renew", {"numbers": [other["numbers"]]}, 400),
            ("POST", "flows", {"actions": [], "on_complete_flow_id": other["flows"]}, 400),
            ("PUT", f"flows/{own['flows']}", {"on_complete_flow_id": other["flows"]}, 400),
            ("POST", "conferences", {"pre_flow_id": other["flows"]}, 400),
            ("POST", "conferences", {"post_flow_id": other["flows"]}, 400),
            ("POST", "conferences", {"id": other["conferences"]}, 409),
            ("POST", "activeflows", {"flow_id": other["flows"]}, 400),
            ("POST", "activeflows", {"id": other["activeflows"], "actions": []}, 409),
            ("POST", "calls", {**call, "destinations": [to_conference]}, 400),
            ("POST", "calls", {**call, "destinations": [to_extension]}, 400),
            ("POST", "calls", {**call, "destinations": [to_agent]}, 400),
            ("POST", "calls", {"source": SOURCE, "destinations": [SOURCE], "flow_id": other["flows"]}, 400),
            ("POST", "groupcalls", {**call, "destinations": [to_conference, to_extension, to_agent]}, 400),
            ("POST", "transcribes", {**transcribe, "reference_type": "call", "reference_id": other["calls"]}, 403),
            (
                *("POST", "transcribes"),
                *({**transcribe, "reference_type": "conference", "reference_id": other["conferences"]}, 403),
            ),
            (
                *("POST", "transcribes"),
                *({**transcribe, "reference_type": "recording", "reference_id": other["recordings"]}, 403),
            ),
            (
                *("POST", "transcribes"),
                *(
                    {
                        **transcribe,
                        "reference_type": "conference",
                        "reference_id": own["conferences"],
                        "on_end_flow_id": other["flows"],
                    },
                    400,
                ),
            ),
            ("POST", f"calls/{own['calls']}/recording_start", {"on_end_flow_id": other["flows"]}, 400),
            ("POST", f"conferences/{own['conferences']}/recording_start", {"on_end_flow_id": other["flows"]}, 400),
            ("POST", "speakings", {"reference_type": "call", "reference_id": other["calls"]}, 403),
            (
                *("POST", "transfers"),
                *(
                    {
                        "transfer_type": "blind",
                        "transferer_call_id": other["calls"],
                        "transferee_addresses": [{"type": "extension", "target_name": "1001"}],
                    },
                    400,
                ),
            ),
            ("POST", "queues", {"wait_flow_id": other["flows"]}, 400),
            ("POST", "agents", {"username": f"{owner.word}-person", "password": PASSWORD}, 409),
            ("POST", "trunks", {"domain_name": f"{owner.word}-pbx"}, 409),
        ]
        secrets = owner.secrets()
        for method, path, body, status in tries:
            reply = await asking.ask(method, f"/v1.0/{path}", body)
            assert reply.status == status, (method, path, body, reply.status, reply.text)
            sent = found_in(json.dumps(body), secrets)
            assert found_in(reply.text, secrets - sent) == set(), (path, reply.text)


async def test_no_file_is_given_to_another(town: Town) -> None:
    for asking, owner in town.pairs:
        own, other = asking.ids["recordings"], owner.ids["recordings"]
        given = await asking.ask("GET", f"/v1.0/recordingfiles/{own}")
        assert given.status == 307, given.text
        link = given.headers["Location"]
        assert (await asking.ask("GET", link, key="")).status == 200
        assert (await asking.ask("GET", f"/v1.0/recordingfiles/{other}")).status == 403
        query = dict(parse_qsl(urlsplit(link).query))
        later = {**query, "expires": str(int(query["expires"]) + 1)}
        for wrong in (
            link.replace(own, other),
            link + "&part=in",
            f"/recordings/files/{own}.wav?{urlencode(later)}",
            f"/recordings/files/{other}.wav",
            f"/recordings/files/{other}.wav?expires={int(time.time()) + 60}&signature=",
        ):
            for key in ("", asking.key):
                assert (await asking.ask("GET", wrong, key=key)).status == 403, wrong
    # Prompts have no credential: their names are all that keeps them, and no text leads to its name.
    names = [path.stem for path in (town.house.home / "prompts").glob("*.wav")]
    assert names
    for name in (f"{names[0]}x", "0" * 64, "..", "%2e%2e%2fkey-secret", f"..%2frecordings%2f{town.first.ids['calls']}"):
        assert (await town.second.ask("GET", f"/prompts/{name}.wav")).status == 404


async def subscribe(town: Town, credential: str, topics: list[str], since: int | None = None) -> tuple[list[str], int]:
    """All frames up to the end of a replay, and the close code; 0 = it was still open."""
    frames: list[str] = []
    order: dict[str, Any] = {"type": "subscribe", "topics": topics}
    if since is not None:
        order["since"] = since
    async with asyncio.timeout(10), open_feed(town.house, credential) as feed:
        await feed.send_json(order)
        async for message in feed:
            frames.append(message.data)
            if type_of(message.data) == "replay_done":
                return frames, 0
        return frames, feed.close_code or 0


async def test_no_topic_leads_to_what_is_another_customers(town: Town) -> None:
    for asking, owner in town.pairs:
        mine, theirs = f"customer_id:{asking.customer_id}", f"customer_id:{owner.customer_id}"
        their_admin = admin_id(await owner.ask("GET", "/v1.0/me", key=town.admins[owner.word]))
        forbidden = [
            *(
                "",
                "customer_id",
                "customer_id:",
                "customer_id::",
                "customer_id:*",
                f"{theirs[:20]}",
                theirs,
                f"{theirs}:",
            ),
            *(f"{theirs}:{word}:" for word in ("call", "transcribe", "transcript", "recording", "conference")),
            f"{theirs}:transcript:transcript_created",
            f"{theirs}:transcript:{owner.ids['transcribes']}",
            f"{theirs}:call:{owner.ids['calls']}",
            theirs.upper(),
            f" {theirs}",
            f"{mine}{theirs}",
            f"agent_id:{their_admin}:",
            f"agent_id:{their_admin}:call:call_created",
            f"agent_id:{owner.ids['agents']}:",
            *("agent_id:", "agent_id::", f"agent_id:{asking.customer_id}:", f"customer_id:{their_admin}:", "call:"),
        ]
        for topic in forbidden:
            for since in (None, 0):
                assert await subscribe(town, asking.key, [f"{mine}:", topic], since) == ([], 1008), topic
        secrets = owner.secrets()
        for topic in (
            mine,
            f"{mine}:",
            f"{mine}:transcript:",
            f"{mine}:transcript:transcript_created",
            f"{mine}:transcript:{asking.ids['transcribes']}",
            f"{mine}:call:call_progressing",
            f"{mine}:customer:",
        ):
            frames, code = await subscribe(town, asking.key, [topic], 0)
            assert code == 0
            assert len(frames) > 1, topic
            assert found_in("".join(frames), secrets) == set(), topic
        frames, _ = await subscribe(town, asking.key, [f"{mine}:transcript:{owner.ids['transcribes']}"], 0)
        assert [json.loads(frame)["type"] for frame in frames] == ["replay_done"]


def type_of(frame: str) -> str:
    """The type of a frame, "" for a bare resource."""
    return str(json.loads(frame).get("type", ""))


def admin_id(reply: Reply) -> str:
    assert reply.status == 200, reply.text
    return str(reply.json["id"])


async def test_agents_hear_of_their_own_calls_only(town: Town) -> None:
    for asking, owner in town.pairs:
        token = town.admins[asking.word]
        own = admin_id(await asking.ask("GET", "/v1.0/me", key=token))
        frames, code = await subscribe(town, token, [f"agent_id:{own}:"], 0)
        told = [json.loads(frame) for frame in frames[:-1]]
        assert code == 0
        assert asking.ids["groupcalls"] in {frame["data"]["id"] for frame in told}
        assert {frame["data"]["owner_id"] for frame in told} == {own}
        assert found_in("".join(frames), owner.secrets()) == set()
        person = await log_in(asking, f"{asking.word}-person")
        for topic in (f"customer_id:{asking.customer_id}:", f"agent_id:{own}:", f"customer_id:{owner.customer_id}:"):
            assert await subscribe(town, person, [topic], 0) == ([], 1008)
        frames, code = await subscribe(town, person, [f"agent_id:{asking.ids['agents']}:"], 0)
        assert [json.loads(frame)["type"] for frame in frames] == ["replay_done"]


async def test_live_frames_are_of_their_own_customer(town: Town) -> None:
    for asking, owner in town.pairs:
        frames = [json.loads(frame) for frame in asking.frames]
        assert len(frames) > 40
        for frame in frames:
            assert frame["data"].get("customer_id", frame["data"]["id"]) == asking.customer_id
        assert found_in("".join(asking.frames), owner.secrets()) == set()


async def test_a_guest_reaches_the_flow_of_the_number_and_only_its_customer_sees_it(town: Town) -> None:
    users = {}
    for tenant in (town.first, town.second):
        calls = (await tenant.get("calls"))["result"]
        users[tenant.word] = {call["source"]["target"] for call in calls if call["direction"] == "incoming"}
        call = next(call for call in calls if call["id"] == tenant.ids["calls"])
        assert (call["flow_id"], call["customer_id"]) == (tenant.ids["flows"], tenant.customer_id)
        rows = (await tenant.get(f"transcripts?transcribe_id={tenant.ids['transcribes']}"))["result"]
        assert any(tenant.word in row["message"] or row["direction"] == "in" for row in rows)
    assert users == {"zanzibar": {"ann", "ann2", "ann3"}, "quetzal": {"bob", "bob2", "bob3"}}


async def test_a_phone_reaches_its_own_customer_only(town: Town) -> None:
    first, second, phones = town.first, town.second, town.phones
    uri = town.house.sip_uri
    heard_before = {name: len(phone.incoming) for name, phone in phones.items()}
    calling = await phones["other"].call(uri("1001"))
    await calling.wait_answered()
    await calling.hang_up()
    assert len(phones["first"].incoming) == heard_before["first"] + 1
    hashes = [
        (await second.get(f"{path}/{second.ids[path]}"))["direct_hash"]
        for path in ("conferences", "extensions", "flows")
    ]
    room = await second.get(f"conferences/{second.ids['conferences']}")
    for dialled in (
        second.phone["username"],
        second.ids["extensions"],
        second.ids["conferences"],
        second.ids["agents"],
        f"{second.word}-person",
        f"{second.word}-admin",
        second.number,
        second.room_number,
        *(f"direct.{each}" for each in hashes),
    ):
        refused = await phones["other"].call(uri(dialled))
        assert (await refused.wait_ended()).status == 404, dialled
    for dialled in ("1002", first.ids["extensions"], first.ids["conferences"], first.number, "7500"):
        refused = await phones["second"].call(uri(dialled))
        assert (await refused.wait_ended()).status == 404, dialled
    assert len(phones["second"].incoming) == heard_before["second"]
    assert await second.get(f"conferences/{second.ids['conferences']}") == room


async def test_a_flow_reaches_its_own_customer_only(town: Town) -> None:
    first, second = town.first, town.second
    before = await second.get(f"conferences/{second.ids['conferences']}")
    heard = len(town.phones["second"].incoming)
    actions = [
        {"type": "answer"},
        {"type": "conference_join", "option": {"conference_id": second.ids["conferences"]}},
        {"type": "confbridge_join", "option": {"confbridge_id": second.ids["conferences"]}},
        {"type": "connect", "option": {"destinations": [{"type": "extension", "target": second.ids["extensions"]}]}},
        {"type": "connect", "option": {"destinations": [{"type": "conference", "target": second.ids["conferences"]}]}},
        {"type": "connect", "option": {"destinations": [{"type": "agent", "target": second.ids["agents"]}]}},
        {"type": "queue_join", "option": {"queue_id": second.ids["queues"]}},
    ]
    flow = await first.ask("POST", "/v1.0/flows", {"name": "burglar", "actions": actions})
    assert flow.status == 200, flow.text
    number = {"number": "7519", "call_flow_id": flow.json["id"]}
    assert (await first.ask("POST", "/v1.0/numbers", number)).status == 200
    async with open_caller(CallPlan(town.house.sip_uri("7519"), user="burglar", max_seconds=20)) as caller:
        await caller.finish()
    caller.time_of("answered")
    assert await second.get(f"conferences/{second.ids['conferences']}") == before
    assert len(town.phones["second"].incoming) == heard
    assert not any("burglar" in frame for frame in second.frames)


async def test_a_trunk_takes_no_calls_away_from_another_customers_numbers(town: Town) -> None:
    """A trunk of the second customer claims the addresses from which the callers of the first come."""
    order = {"name": "greedy", "domain_name": "greedy", "auth_types": ["ip"], "allowed_ips": ["127.0.0.0/8"]}
    trunk = (await town.second.ask("POST", "/v1.0/trunks", order)).json
    try:
        before = len(town.second.events("call_created"))
        plan = CallPlan(town.house.sip_uri(town.first.room_number), user="carl", stay_seconds=60, max_seconds=20)
        async with open_caller(plan) as caller:
            joined = await town.first.wait_for(2, "conferencecall_joined", 10)
            await hang_up_after(caller)
        assert joined[-1]["customer_id"] == town.first.customer_id
        assert len(town.second.events("call_created")) == before
        assert not any("carl" in frame for frame in town.second.frames)
    finally:
        assert (await town.second.ask("DELETE", f"/v1.0/trunks/{trunk['id']}")).status == 200


async def test_an_agent_sees_only_itself(town: Town) -> None:
    tenant = town.first
    person = await log_in(tenant, f"{tenant.word}-person")
    me = await tenant.ask("GET", "/v1.0/me", key=person)
    assert (me.status, me.json["id"], me.json["permission"]) == (200, tenant.ids["agents"], AGENT)
    for path, operations in town.document["paths"].items():
        if not path.startswith("/v1.0/") or path in {"/v1.0/me", "/v1.0/ws", "/v1.0/auth/login"}:
            continue
        wanted = with_query(path.replace("{id}", tenant.ids.get(resource_of(path), "")))
        for method in set(operations) & {"get", "post", "put", "delete"}:
            reply = await tenant.ask(method.upper(), wanted, {}, key=person)
            assert (reply.status, reply.reason) == (403, "PERMISSION_DENIED"), (method, path, reply.text)


async def test_what_only_an_admin_may(town: Town) -> None:
    tenant = town.second
    order = {"username": "quetzal-manager", "password": PASSWORD, "permission": MANAGER}
    made = (await tenant.ask("POST", "/v1.0/agents", order)).json
    manager = await log_in(tenant, "quetzal-manager")
    assert (await tenant.ask("GET", "/v1.0/calls", key=manager)).status == 200
    key_id, admin = tenant.ids["accesskeys"], admin_id(await tenant.ask("GET", "/v1.0/me", key=town.admins["quetzal"]))
    for method, path, body in (
        ("GET", "accesskeys", None),
        ("POST", "accesskeys", {}),
        ("GET", f"accesskeys/{key_id}", None),
        ("PUT", f"accesskeys/{key_id}", {}),
        ("DELETE", f"accesskeys/{key_id}", None),
        ("PUT", "customer", {"name": "mine"}),
        ("PUT", "customer/metadata", {}),
        ("POST", "agents", {"username": "accomplice", "password": PASSWORD, "permission": ADMIN}),
        ("PUT", f"agents/{made['id']}/permission", {"permission": ADMIN}),
        ("PUT", f"agents/{admin}/password", {"password": PASSWORD}),
        ("PUT", f"agents/{admin}", {"name": "x"}),
        ("DELETE", f"agents/{admin}", None),
    ):
        reply = await tenant.ask(method, f"/v1.0/{path}", body, key=manager)
        assert (reply.status, reply.reason) == (403, "PERMISSION_DENIED"), (method, path, reply.text)


async def test_who_was_deleted_or_has_expired_is_refused_at_once(town: Town) -> None:
    tenant = town.second
    key = (await tenant.ask("POST", "/v1.0/accesskeys", {"name": "short"})).json
    person = {"username": "quetzal-guest", "password": PASSWORD, "permission": MANAGER}
    agent = (await tenant.ask("POST", "/v1.0/agents", person)).json
    token = await log_in(tenant, "quetzal-guest")
    for credential, path in ((key["token"], f"accesskeys/{key['id']}"), (token, f"agents/{agent['id']}")):
        async with open_feed(town.house, credential) as feed:
            await feed.send_json({"type": "subscribe", "topics": [f"customer_id:{tenant.customer_id}:flow:"]})
            assert (await tenant.ask("GET", "/v1.0/me", key=credential)).status == 200
            assert (await tenant.ask("DELETE", f"/v1.0/{path}")).status == 200
            refused = await tenant.ask("GET", "/v1.0/me", key=credential)
            assert (refused.status, refused.reason) == (401, "INVALID_CREDENTIALS")
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await open_feed(town.house, credential).__aenter__()
            await tenant.ask("POST", "/v1.0/flows", {"name": "behind closed doors", "actions": []})
            async with asyncio.timeout(5):
                closed = await feed.receive()
            assert (closed.type, feed.close_code) == (aiohttp.WSMsgType.CLOSE, 1008)
    key = (await tenant.ask("POST", "/v1.0/accesskeys", {"name": "old", "expire": 86_400})).json
    assert (await tenant.ask("GET", "/v1.0/me", key=key["token"])).status == 200
    async with open_store(f"sqlite+aiosqlite:///{town.house.home / 'callscribe.db'}") as store:
        stored = await store.access_keys.get_by_id(key["id"])
        assert stored is not None
        await store.access_keys.update(replace(stored, tm_expire=now() - timedelta(seconds=1)))
    refused = await tenant.ask("GET", "/v1.0/me", key=key["token"])
    assert (refused.status, refused.reason) == (401, "INVALID_CREDENTIALS")


async def flood(tenant: Tenant, method: str, path: str, addresses: list[str], key: str) -> Reply:
    """The first answer that says that these are too many requests."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    url = f"http://127.0.0.1:{tenant.house.http_port}{path}"
    async with AsyncExitStack() as stack:
        sessions = [
            await stack.enter_async_context(
                aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(local_addr=(address, 0), limit=4))
            )
            for address in addresses
        ]

        async def ask(session: aiohttp.ClientSession) -> Reply:
            async with session.request(method, url) as reply:
                return Reply(reply.status, await reply.text(), dict(reply.headers))

        for _ in range(30):
            rounds = [session for session in sessions for _ in range(100 // len(sessions))]
            for reply in await asyncio.gather(*map(ask, rounds)):
                if reply.status == 429:
                    return reply
    raise AssertionError(f"{path}: 3000 requests were not too many")


async def test_rates_are_limited_by_address_and_by_customer(town: Town) -> None:
    tenant = town.second
    many = [f"127.0.3.{number}" for number in range(1, 11)]
    for method, path, addresses, key, scope in (
        ("POST", "/auth/login", ["127.0.2.1"], "", "ip"),
        ("GET", "/v1.0/me", ["127.0.2.2"], "", "ip"),
        ("GET", "/v1.0/me", many, tenant.key, "customer"),
    ):
        refused = await flood(tenant, method, path, addresses, key)
        assert int(refused.headers["Retry-After"]) >= 1
        assert refused.reason == "RATE_LIMIT_EXCEEDED"
        assert refused.json["error"]["details"][0]["limited_by"] == scope
        assert (await town.first.ask("GET", "/v1.0/me")).status == 200
