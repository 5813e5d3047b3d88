"""The whole document, tried out by schemathesis: right and wrong requests of its making, answered as it says."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from argon2 import PasswordHasher
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import app.actions
from app.api.application import build_app
from app.api.first_start import ensure_first_customer
from app.api.server import open_server
from app.application.api_flows import ApiFlows
from app.event_bus import EventBus
from app.flow.action_registry import load_actions
from app.flow.library import FlowLibrary
from app.journal.journal import Journal
from app.store import open_store
from app.wire.event import render_event
from tests.unit.api.belongings import settle
from tests.unit.api.live_parts import LiveParts, context_of
from tests.unit.conftest import Samples

KEY = "vb_key-of-the-fuzzing-0123456789"
EXAMPLES = 15
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
CONFIG = {"generation": {"with-security-parameters": False, "allow-x00": True}}
ORDER = ("get", "post", "put", "delete")
"""What is deleted is asked for before."""


@dataclass(frozen=True, slots=True)
class Served:
    """A server in a thread of its own: schemathesis waits for its answers."""

    url: str
    ids: dict[str, str]


@asynccontextmanager
async def _open(folder: Path) -> AsyncIterator[Served]:
    async with open_store(f"sqlite:///{folder}/callscribe.db") as store:
        first = await ensure_first_customer(store, "pw", KEY)
        journal = Journal(store, EventBus(), render_event)
        await journal.load()
        live = LiveParts(store, journal, folder)
        registry = load_actions(app.actions)
        flows = ApiFlows(FlowLibrary(folder, registry), registry, store, journal, first.customer_id)
        ids = await settle(store, live, Samples(), first.customer_id)
        application = build_app(replace(context_of(store, journal, live), flows=flows))
        async with open_server(application, "127.0.0.1", 0) as address:
            yield Served(address.url, ids)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    is_open: Future[Served] = Future()
    stop: Future[None] = Future()

    async def serve() -> None:
        async with _open(tmp_path_factory.mktemp("fuzzed")) as opened:
            is_open.set_result(opened)
            await asyncio.wrap_future(stop)

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            if not is_open.done():
                is_open.set_exception(error)
            raise

    with pytest.MonkeyPatch.context() as patch:
        cheap = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr("app.api.passwords.PasswordHasher", cheap)
        thread = threading.Thread(target=run)
        thread.start()
        yield is_open.result(30)
        stop.set_result(None)
        thread.join()


@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")
def test_every_operation_answers_as_its_document_says(served: Served) -> None:
    load_all_checks()
    config = SchemathesisConfig.from_dict(CONFIG)
    document = schemathesis.openapi.from_url(f"{served.url}/openapi.json", config=config)
    operations: list[Any] = [result.ok() for result in document.get_all_operations() if isinstance(result, Ok)]
    # It leaves out the address that it read the document from.
    assert len(operations) == sum(len(ways) for ways in document.raw_schema["paths"].values()) - 1
    operations = [each for each in operations if "101" not in each.definition.raw["responses"]]
    faults: list[str] = []
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {KEY}"
        for operation in sorted(operations, key=lambda each: ORDER.index(each.method.lower())):
            for mode in GenerationMode:
                try:
                    _try(operation, mode, session, served)
                except FailureGroup as failures:
                    faults += [f"{operation.label} ({mode.value}): {each}" for each in failures.exceptions]
    assert not faults, "\n\n".join(faults)


def _try(operation: Any, mode: GenerationMode, session: requests.Session, served: Served) -> None:
    word = operation.path.split("/")[2] if "{id}" in operation.path else ""
    known = {"id": served.ids.get(word, served.ids["recordings"])} if word else None

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode, path_parameters=known))
    def ask(case: Any) -> None:
        case.call_and_validate(session=session, checks=CHECKS)

    try:
        ask()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, "an operation without any right request"
