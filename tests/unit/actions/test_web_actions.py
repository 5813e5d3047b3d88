"""fetch, fetch_flow and webhook_send against a real web server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from app.application.flow_http import HttpLimits, open_flow_http
from app.delivery.webhook_connector import AddressRefused
from app.delivery.webhook_networks import WebhookNetworks
from app.domain.flow import Action, Flow
from app.domain.ids import new_id
from app.errors import Unavailable
from tests.unit.actions.reach_doubles import Outside, answer, open_outside
from tests.unit.flow.doubles import CUSTOMER_ID, bare_flow, check

BEEP = {"type": "beep"}
MARK = {"type": "play", "option": {"stream_urls": ["http://127.0.0.1/mark.wav"]}}
ANSWER = {"type": "answer"}


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    async with open_outside() as opened:
        yield opened


def fetch(outside: Outside, **option: Any) -> dict[str, Any]:
    return {"type": "fetch", "option": {"event_url": outside.url("/actions"), **option}}


def webhook(outside: Outside, **option: Any) -> dict[str, Any]:
    return {"type": "webhook_send", "option": {"uri": outside.url("/hook"), **option}}


async def test_fetched_actions_run_and_the_flow_goes_on(outside: Outside) -> None:
    talk = {"type": "talk", "option": {"text": "hello"}}
    outside.web.answer = answer([talk, {"id": "x", **BEEP, "next_id": ""}])
    done = await outside.run(ANSWER, fetch(outside), {"type": "hangup", "option": {"reason": "busy"}})
    assert [each[0] for each in done] == ["answer", "play", "play", "hang_up"]
    assert done[1][1] == "sound:http://app/en-US/hello"  # the flow's language
    assert done[-1] == ("hang_up", "busy")
    (heard,) = outside.web.heard
    assert (heard.method, heard.path, heard.headers["Content-Type"]) == ("POST", "/actions", "application/json")
    assert outside.heard() == {
        "activeflow_id": outside.stage.steps[0].id,
        "reference_id": outside.call.record.id,
    }


async def test_a_target_among_fetched_actions(outside: Outside) -> None:
    outside.web.answer = answer(
        [{"type": "goto", "option": {"target_id": "b", "loop_count": 1}}, BEEP, {"id": "b", **BEEP}]
    )
    done = await outside.run(ANSWER, fetch(outside))
    assert [each[0] for each in done] == ["answer", "play", "hang_up"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ([BEEP], 500),
        ([BEEP], 204),
        ([BEEP], 201),
        ("no json", 200),
        ({"actions": [BEEP]}, 200),
        ([{"type": "nothing_like_it"}], 200),
        ([{"type": "talk", "option": {"text": 1}}], 200),
        (["beep"], 200),
        ("[" * 100_000, 200),
    ],
)
async def test_what_is_no_list_of_actions_ends_the_flow(outside: Outside, content: object, status: int) -> None:
    outside.web.answer = answer(content, status)
    done = await outside.run(ANSWER, fetch(outside, event_method="GET"), BEEP)
    assert done == [("answer",), ("hang_up", "normal")]
    assert outside.web.heard[0].method == "GET"


async def test_an_answer_that_is_too_long_or_too_slow() -> None:
    async with open_outside(HttpLimits(total_seconds=0.2, max_bytes=1000)) as outside:
        outside.web.answer = answer([BEEP] * 100)
        assert await outside.run(ANSWER, fetch(outside), BEEP) == [("answer",), ("hang_up", "normal")]
        gate = asyncio.Event()

        async def never(_request: web.Request) -> web.StreamResponse:
            await gate.wait()
            return web.Response()

        outside.web.answer = never
        with pytest.raises(Unavailable, match=r"within 0\.2 s"):
            await outside.reach.http.request("GET", outside.url("/"))  # type: ignore[union-attr]
        gate.set()


async def test_private_addresses_are_refused_also_behind_a_redirect() -> None:
    async with open_outside() as outside, open_flow_http(WebhookNetworks()) as guarded:
        for url in (
            outside.url("/"),
            f"http://localhost:{outside.web.port}/",
            f"http://[::ffff:127.0.0.1]:{outside.web.port}/",
        ):
            with pytest.raises(AddressRefused):
                await guarded.request("POST", url)
        assert outside.web.heard == []
        assert await outside.run(ANSWER, fetch(outside), BEEP, http=guarded) == [("answer",), ("hang_up", "normal")]


async def test_redirects_are_bounded_and_keep_the_body(outside: Outside) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        left = int(request.path.strip("/"))
        if left:
            return web.Response(status=302, headers={"Location": f"/{left - 1}"})
        return web.Response(text="there")

    outside.web.answer = handle
    http = outside.reach.http
    assert http is not None
    assert (await http.request("POST", outside.url("/3"), body=b"{}")).body == b"there"
    assert [(each.method, each.body) for each in outside.web.heard] == [("POST", b"{}")] * 4
    with pytest.raises(Unavailable, match="redirects"):
        await http.request("POST", outside.url("/4"))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "http:///x", "ftp://127.0.0.1/", "http://nothing.invalid/", "x"]
)
async def test_an_address_that_cannot_be_reached(outside: Outside, url: str) -> None:
    with pytest.raises(Unavailable) as error:
        await outside.reach.http.request("GET", url + "?token=secret")  # type: ignore[union-attr]
    assert "secret" not in error.value.message


async def test_fetch_flow_runs_the_customers_own_flow_only(outside: Outside) -> None:
    flow = bare_flow(Action(id=new_id(), type="beep"))
    outside.flows.flows = {f"{CUSTOMER_ID} {flow.id}": flow, f"{new_id()} x": Flow("", "", "", ())}
    done = await outside.run(ANSWER, {"type": "fetch_flow", "option": {"flow_id": flow.id}}, BEEP)
    assert [each[0] for each in done] == ["answer", "play", "play", "hang_up"]
    outside.call.done.clear()
    done = await outside.run(ANSWER, {"type": "fetch_flow", "option": {"flow_id": new_id()}}, BEEP)
    assert done == [("answer",), ("hang_up", "normal")]


async def test_a_webhook_that_is_waited_for_sets_variables(outside: Outside) -> None:
    outside.web.answer = answer(
        {
            "name": "Anna",
            "order": {"id": 12, "price": 1.5, "items": [1, 2], "is_paid": True, "deep": {"er": "x"}},
            "nothing": None,
            "voipbin": {"call": {"id": "forged"}},
            "voipbin.call.digits": "forged",
            "a}b": "x",
        },
        201,
    )
    await outside.run(webhook(outside, sync=True, data='{"n": "${voipbin.call.source.target}"}'))
    values = outside.variables.snapshot()
    own = {name: value for name, value in values.items() if not name.startswith("voipbin.")}
    assert own == {
        "name": "Anna",
        "order.id": "12",
        "order.price": "1.5",
        "order.is_paid": "true",
        "order.deep.er": "x",
    }
    assert values["voipbin.webhook.status"] == "201"
    assert values["voipbin.call.id"] == outside.call.record.id
    assert outside.heard() == {"n": "alice"}


@pytest.mark.parametrize("reply", ["[1]", "text", '"x"', "{}", '{"a": ' * 5000, '{"": "x"}', "1" * 10_000])
async def test_answers_without_variables(outside: Outside, reply: str) -> None:
    outside.web.answer = answer(reply)
    await outside.run(webhook(outside, sync=True))
    assert [name for name in outside.variables.snapshot() if not name.startswith("voipbin.")] == []
    assert outside.variables.get("voipbin.webhook.status") == "200"


async def test_an_answer_with_too_many_variables_sets_what_fits(outside: Outside) -> None:
    outside.web.answer = answer({f"v{index}": "x" * 1000 for index in range(500)})
    await outside.run(webhook(outside, sync=True))
    own = [name for name in outside.variables.snapshot() if not name.startswith("voipbin.")]
    assert 40 < len(own) < 70  # 64 KB in all


async def test_a_webhook_that_fails_is_told_in_a_variable(outside: Outside) -> None:
    outside.web.answer = answer({"a": "x"}, 500)
    done = await outside.run(ANSWER, webhook(outside, sync=True), BEEP)
    assert (outside.variables.get("voipbin.webhook.status"), outside.variables.get("a")) == ("500", "")
    assert len(done) == 3
    await outside.run(webhook(outside, sync=True, uri="http://127.0.0.1:1/"), BEEP)
    assert outside.variables.get("voipbin.webhook.status") == "failed"


async def test_a_webhook_that_is_not_waited_for_is_sent_after_the_flows_end(outside: Outside) -> None:
    gate = asyncio.Event()

    async def slow(_request: web.Request) -> web.StreamResponse:
        await gate.wait()
        return web.json_response({"a": "x"})

    outside.web.answer = slow
    await outside.run(
        webhook(
            outside,
            method="PUT",
            data={"k": ["${voipbin.call.source.target}"]},
            data_type="application/json; charset=utf-8",
        )
    )
    gate.set()
    await outside.errands_done()
    (heard,) = outside.web.heard
    assert (heard.method, json.loads(heard.body)) == ("PUT", {"k": ["alice"]})
    assert heard.headers["Content-Type"] == "application/json; charset=utf-8"
    assert outside.variables.get("a") == ""


@pytest.mark.parametrize(
    "option",
    [
        {"uri": "file:///etc/passwd"},
        {"uri": "http://host/ x"},
        {"uri": "http://"},
        {"uri": "http://x/", "method": "TRACE"},
        {"uri": "http://x/", "data_type": "text/plain\r\nX-Forged: 1"},
        {"uri": "http://x/", "sync": "yes"},
        {},
    ],
)
def test_wrong_options_are_refused(option: dict[str, Any]) -> None:
    assert check({"actions": [{"type": "webhook_send", "option": option}]}).errors


async def test_a_header_cannot_come_out_of_a_variable(outside: Outside) -> None:
    outside.variables.set("type", "text/plain\r\nX-Forged: 1")
    await outside.run(webhook(outside, sync=True, data_type="${type}"))
    assert outside.web.heard == []
