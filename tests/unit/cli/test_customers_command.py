import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.api.passwords import Passwords
from app.api.tokens import hash_key
from app.cli.customers import customers_app
from app.domain.customer import AccessKey, Agent
from app.errors import AlreadyExists
from app.store import open_store


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CALLSCRIBE_HOME", str(tmp_path))
    monkeypatch.setenv("CALLSCRIBE_ADMIN_PASSWORD", "the first one's")
    monkeypatch.setenv("CALLSCRIBE_ACCESS_KEY", "vb_key-of-the-first-0123456789")
    return tmp_path


def _run(*arguments: str) -> Any:
    return CliRunner().invoke(customers_app, list(arguments))


async def _look_up(home: Path, username: str, key: str) -> tuple[Agent | None, AccessKey | None]:
    async with open_store(f"sqlite:///{home}/callscribe.db") as store:
        return await store.agents.get_by_username(username), await store.access_keys.get_by_hash(hash_key(key))


def test_a_second_customer(home: Path) -> None:
    made = _run("create", "Second & Co", "--username", "second")
    assert made.exit_code == 0
    shown = dict(re.findall(r"^(customer|agent|password|access key) +(\S+)$", made.stdout, re.MULTILINE))
    agent, key = asyncio.run(_look_up(home, "second", shown["access key"]))
    assert agent is not None
    assert key is not None
    assert agent.customer_id == key.customer_id == shown["customer"]
    assert asyncio.run(Passwords().is_right(shown["password"], agent.password_hash))
    first, _ = asyncio.run(_look_up(home, "admin", ""))
    assert first is not None
    listed = _run("list").stdout.splitlines()
    assert [line.partition(" ")[0] for line in listed] == [first.customer_id, shown["customer"]]
    assert "Second & Co" in listed[1]
    assert shown["password"] not in str(listed)


def test_a_username_that_is_taken() -> None:
    taken = _run("create", "Second", "--username", "admin")
    assert isinstance(taken.exception, AlreadyExists)
    assert len(_run("list").stdout.splitlines()) == 1
