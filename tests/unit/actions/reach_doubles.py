"""A real web server with scripted answers, and flows that reach it with the real clients."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from app.application.errands import Errands
from app.application.flow_ai import FlowAi, completions_url
from app.application.flow_http import FlowHttp, HttpLimits, open_flow_http
from app.application.flow_reach import ENDPOINT_LIMITS
from app.application.json_endpoint import FlowCrm, JsonEndpoint
from app.delivery.webhook_networks import WebhookNetworks
from app.domain.flow import Action, Flow
from app.errors import CallscribeError, NotFound
from app.flow.api_actions import check_actions
from app.flow.nested_actions import fill_languages
from app.flow.reach import Mail, Reach, SpokenLine
from app.flow.variables import Variables
from tests.unit.delivery.receiver import Receiver, open_receiver
from tests.unit.flow.doubles import REGISTRY, ScriptedCall, Stage


def answer(content: object, status: int = 200, **headers: str) -> Any:
    """Answers with JSON, or with a text as it is."""
    text = content if isinstance(content, str) else json.dumps(content)

    async def handle(_request: web.Request) -> web.StreamResponse:
        return web.Response(text=text, status=status, headers=headers, content_type="application/json")

    return handle


@dataclass
class KnownFlows:
    """Checks as the API does; finds what is in `flows`."""

    flows: dict[str, Flow] = field(default_factory=dict)

    def check(self, actions: object, language: str) -> tuple[Action, ...]:
        raw = fill_languages(actions, language, REGISTRY) if isinstance(actions, list) else actions
        return check_actions(raw, "actions", REGISTRY)

    async def find(self, customer_id: str, flow_id: str) -> Flow | None:
        return self.flows.get(f"{customer_id} {flow_id}")


@dataclass
class NotedMails:
    mails: list[Mail] = field(default_factory=list)

    async def send(self, mail: Mail) -> None:
        self.mails.append(mail)


@dataclass
class NotedMessages:
    sent: list[tuple[str, str, str]] = field(default_factory=list)
    refused: frozenset[str] = frozenset()

    async def send(self, customer_id: str, source: Any, destination: Any, text: str) -> None:
        who = destination.target or destination.target_name
        if who in self.refused:
            raise NotFound("extension", who)
        self.sent.append((source.target or source.target_name, who, text))


@dataclass
class KnownLines:
    lines: Mapping[tuple[str, str], Sequence[SpokenLine]] = field(default_factory=dict)

    async def list_lines(self, customer_id: str, reference_type: str, reference_id: str) -> Sequence[SpokenLine]:
        if (reference_type, reference_id) not in self.lines:
            raise NotFound(reference_type, reference_id)
        return self.lines[reference_type, reference_id]


@dataclass
class NotedFollows:
    begun: list[tuple[str, str]] = field(default_factory=list)

    async def follow(self, flow_id: str, customer_id: str, activeflow_id: str, variables: Mapping[str, str]) -> None:
        self.begun.append((flow_id, variables["voipbin.ai_summary.content"]))


class Outside:
    """What a flow reaches: `web` answers, `run` runs a flow; `errands_done` waits for what it has left behind."""

    def __init__(self, web_server: Receiver, http: FlowHttp, own_http: FlowHttp) -> None:
        self.web = web_server
        self.errands = Errands()
        self.flows = KnownFlows()
        self.mail = NotedMails()
        self.messages = NotedMessages()
        self.lines = KnownLines()
        self.follows = NotedFollows()
        self.call = ScriptedCall()
        self.variables = Variables()
        self.stage = Stage(self.call)
        ai_url = completions_url(self.url("/v1"))
        self.reach = Reach(
            http=http,
            errands=self.errands,
            flows=self.flows,
            mail=self.mail,
            messages=self.messages,
            lines=self.lines,
            ai=FlowAi(JsonEndpoint(own_http, ai_url, "key-of-ai", setting="CALLSCRIBE_AI_URL"), "small"),
            crm=FlowCrm(JsonEndpoint(own_http, self.url("/crm"), "key-of-crm", setting="CALLSCRIBE_CRM_URL")),
            follow=self.follows,
        )

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.web.port}{path}"

    async def run(self, *actions: Mapping[str, Any], **reach: Any) -> list[tuple[Any, ...]]:
        """Run a flow; what was done with its call."""
        self.stage.ports = replace(self.stage.ports, reach=replace(self.reach, **reach))
        await self.stage.run(*actions, variables=self.variables)
        return self.call.done

    async def errands_done(self) -> None:
        while tasks := tuple(self.errands._tasks):
            for task in tasks:
                await task

    def heard(self, index: int = -1) -> Any:
        """The JSON of a request."""
        return json.loads(self.web.heard[index].body)


@asynccontextmanager
async def open_outside(limits: HttpLimits | None = None) -> AsyncIterator[Outside]:
    anywhere = WebhookNetworks(is_any=True)
    async with (
        open_receiver() as receiver,
        open_flow_http(anywhere, limits) as http,
        open_flow_http(anywhere, ENDPOINT_LIMITS) as own_http,
    ):
        outside = Outside(receiver, http, own_http)
        yield outside
        await outside.errands_done()


class Failing:
    """A port whose every method fails."""

    def __init__(self, error: CallscribeError) -> None:
        self.error = error

    async def complete(self, messages: object) -> str:
        raise self.error

    async def send(self, *_: object) -> None:
        raise self.error
