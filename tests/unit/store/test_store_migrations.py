"""A database of an earlier version, with rows in it, is brought up to date, and nothing in it is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, MetaData, create_engine, inspect
from sqlalchemy.engine import Connection

import app.store
from app.domain.call import Address, AddressType, CallAction, CallDirection, CallStatus, HangupBy, HangupReason
from app.domain.customer import Permission
from app.domain.flow import ActiveflowStatus
from app.domain.ids import ZERO_ID, new_id
from app.domain.transcribe import Direction, ReferenceType, TranscribeStatus
from app.store import open_store
from app.store.schema import METADATA


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = create_engine(f"sqlite:///{tmp_path}/x.db")
    yield made
    made.dispose()


def _migrate(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(app.store.__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    (command.upgrade if revision == "0001" else command.downgrade)(config, revision)


def _insert(connection: Connection, table: str, rows: list[dict[str, Any]]) -> None:
    metadata = MetaData()
    metadata.reflect(connection, only=[table])
    connection.execute(metadata.tables[table].insert(), rows)


async def test_rows_of_the_first_version_are_kept(tmp_path: Path, engine: Engine, samples: Any) -> None:
    customer = samples.customer(webhook_uri="https://x.test")
    agents = [samples.agent(customer.id, permission=Permission.CUSTOMER_AGENT) for _ in range(2)]
    call = samples.call(customer.id, status=CallStatus.HANGUP, hangup_by=HangupBy.REMOTE)
    flow = samples.activeflow(customer.id, status=ActiveflowStatus.ENDED)
    transcribe = samples.transcribe(customer.id, status=TranscribeStatus.DONE)
    transcript = samples.transcript(transcribe)

    def plain(moment: datetime) -> datetime:
        return moment.replace(tzinfo=None)  # as SQLite has it

    def common(item: Any) -> dict[str, Any]:
        return {
            "id": item.id,
            "customer_id": customer.id,
            "tm_create": plain(item.tm_create),
            "tm_update": plain(item.tm_update),
        }

    made, text = common(customer), dict.fromkeys(("detail", "email", "phone_number", "address"), "")
    del made["customer_id"]
    hook = {"webhook_method": "", "webhook_uri": "https://x.test", "webhook_secret": ""}
    address = {"target_name": "", "name": "", "detail": ""}
    with engine.begin() as connection:
        _migrate(connection, "0001")
        _insert(connection, "customers", [made | text | hook | {"name": "ours"}])
        _insert(
            connection,
            "agents",
            [
                common(agent)
                | {"username": agent.username, "password_hash": "x", "name": "", "detail": "", "permission": 0x10}
                for agent in agents
            ],
        )
        _insert(
            connection,
            "calls",
            [
                common(call)
                | {"direction": CallDirection.INCOMING.value, "status": "hangup", "flow_id": ZERO_ID}
                | {"source": address | {"type": "sip", "target": "alice"}, "activeflow_id": ZERO_ID}
                | {"destination": address | {"type": "tel", "target": "+15551234567"}, "hangup_by": "remote"}
                | {"action": {"id": ZERO_ID, "type": "", "next_id": ZERO_ID, "option": {}, "tm_execute": None}}
                | {"hangup_reason": HangupReason.NONE.value}
            ],
        )
        _insert(
            connection,
            "activeflows",
            [
                common(flow)
                | {"flow_id": flow.flow_id, "status": "ended", "reference_type": "call", "executed_actions": []}
                | {"reference_id": flow.reference_id}
            ],
        )
        _insert(
            connection,
            "transcribes",
            [
                common(transcribe)
                | {"reference_type": ReferenceType.CALL.value, "reference_id": transcribe.reference_id}
                | {"status": "done", "language": "en-US", "direction": "both", "engine": "moonshine"}
                | {"model": "tiny-en", "activeflow_id": ZERO_ID, "on_end_flow_id": ZERO_ID, "provider": ""}
            ],
        )
        _insert(
            connection,
            "transcripts",
            [
                {"id": transcript.id, "customer_id": customer.id, "transcribe_id": transcribe.id, "direction": "in"}
                | {"message": "hello there", "offset_us": 8_991_840, "duration_us": 610_000, "engine": "moonshine"}
                | {"model": "tiny-en", "confidence": 0.5, "tm_create": plain(transcript.tm_create)}
                | {"words": [["hello", 8_991_000, 9_200_000, 0.97], ["there", 9_250_400, 9_600_000, None]]}
            ],
        )

    async with open_store(f"sqlite:///{tmp_path}/x.db") as store:
        assert await store.customers.first() == customer
        assert await store.agents.list(customer.id) == (agents[1], agents[0])
        assert await store.calls.get_by_id(call.id) == call
        assert await store.activeflows.get_by_id(flow.id) == flow
        assert await store.transcribes.get_by_id(transcribe.id) == transcribe
        assert await store.transcripts.get_by_id(transcript.id) == transcript
        for item in (customer, *agents, call, flow, transcribe, transcript):
            await store.table_of(item).update(item)
        await store.numbers.insert(samples.number(customer.id))


async def test_the_later_steps_can_be_taken_back(tmp_path: Path, engine: Engine, samples: Any) -> None:
    async with open_store(f"sqlite:///{tmp_path}/x.db") as store:
        customer = await store.customers.insert(samples.customer())
        await store.agents.insert(samples.agent(customer.id, username=new_id()))
        await store.calls.insert(samples.call(customer.id, source=Address(AddressType.LINE), action=CallAction()))
        await store.transcribes.insert(samples.transcribe(customer.id, direction=Direction.IN))
    with engine.begin() as connection:
        _migrate(connection, "-1")
        assert not {"queues", "queuecalls"} & set(inspect(connection).get_table_names())
        _migrate(connection, "-1")
        kept = set(inspect(connection).get_table_names())
    assert kept == {
        *("access_keys", "activeflows", "agents", "alembic_version", "calls", "customers", "transcribes"),
        *("transcripts", "write_probe"),
    }
    async with open_store(f"sqlite:///{tmp_path}/x.db") as store:
        assert await store.customers.first() == customer
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
