"""The first customer, and settings that are true at every start; the secret of the tokens."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.api.first_start import ensure_first_customer
from app.api.passwords import Passwords
from app.api.tokens import hash_key, load_token_secret
from app.domain.customer import Permission
from app.domain.timestamps import now
from app.errors import InvalidSetting
from app.store import Store

KEY = "vb_" + "k" * 21


async def _is_password(store: Store, password: str) -> bool:
    agent = await store.agents.get_by_username("admin")
    assert agent is not None
    return await Passwords().is_right(password, agent.password_hash)


async def test_the_first_start_generates_secrets_once(store: Store) -> None:
    first = await ensure_first_customer(store, None, None)
    assert first.password is not None
    assert first.access_key is not None
    assert first.access_key.startswith("vb_")
    assert first.access_key not in repr(first)
    assert await _is_password(store, first.password)
    key = await store.access_keys.get_by_hash(hash_key(first.access_key))
    agent = await store.agents.get_by_username("admin")
    assert key is not None
    assert agent is not None
    assert (key.customer_id, agent.customer_id) == (first.customer_id, first.customer_id)
    assert (key.token_prefix, agent.permission) == (first.access_key[:11], Permission.CUSTOMER_ADMIN)

    again = await ensure_first_customer(store, None, None)
    assert (again.customer_id, again.password, again.access_key) == (first.customer_id, None, None)
    assert await _is_password(store, first.password)
    assert len(await store.access_keys.list(first.customer_id)) == 1


async def test_settings_are_used_and_not_returned(store: Store) -> None:
    first = await ensure_first_customer(store, "pass", KEY)
    assert (first.username, first.password, first.access_key) == ("admin", None, None)
    assert await _is_password(store, "pass")
    agent = await store.agents.get_by_username("admin")
    await ensure_first_customer(store, "pass", KEY)
    assert await store.agents.get_by_username("admin") == agent
    assert len(await store.access_keys.list(first.customer_id)) == 1


async def test_settings_are_made_true_at_a_later_start(store: Store) -> None:
    first = await ensure_first_customer(store, None, None)
    await ensure_first_customer(store, "new password", KEY)
    assert await _is_password(store, "new password")
    key = await store.access_keys.get_by_hash(hash_key(KEY))
    agent = await store.agents.get_by_username("admin")
    assert key is not None
    assert agent is not None
    await store.access_keys.update(replace(key, tm_delete=now(), tm_expire=now()))
    await store.agents.update(replace(agent, tm_delete=now()))
    assert (await ensure_first_customer(store, "new password", KEY)).customer_id == first.customer_id
    key, agent = await store.access_keys.get_by_hash(hash_key(KEY)), await store.agents.get_by_username("admin")
    assert key is not None
    assert agent is not None
    assert (key.tm_delete, key.tm_expire, agent.tm_delete) == (None, None, None)
    assert await _is_password(store, "new password")


@pytest.mark.parametrize("key", ["", "vb_", "vb_short", KEY[:-1], "ak_" + "k" * 30, KEY + " ", KEY + "ü", KEY + "\n"])
async def test_a_wrong_key_stops_the_start(store: Store, key: str) -> None:
    with pytest.raises(
        InvalidSetting, match="CALLSCRIBE_ACCESS_KEY: a key begins with vb_ and has at least 24"
    ) as caught:
        await ensure_first_customer(store, None, key)
    assert not key or key not in str(caught.value).replace("begins with vb_", "")
    assert await store.customers.first() is None


@pytest.mark.parametrize("password", ["", "x" * 1025])
async def test_a_password_that_nobody_could_use_stops_the_start(store: Store, password: str) -> None:
    with pytest.raises(InvalidSetting, match="CALLSCRIBE_ADMIN_PASSWORD: expected 1 to 1024"):
        await ensure_first_customer(store, password, None)


def test_the_token_secret_is_kept(tmp_path: Path) -> None:
    secret = load_token_secret(tmp_path / "home")
    assert len(secret) == 32
    assert load_token_secret(tmp_path / "home") == secret
    path = tmp_path / "home" / "token-secret"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["token-secret"]
    path.write_bytes(b"short")
    with pytest.raises(InvalidSetting, match="token-secret is damaged"):
        load_token_secret(tmp_path / "home")
    (tmp_path / "file").touch()
    with pytest.raises(InvalidSetting, match="cannot be read or made"):
        load_token_secret(tmp_path / "file")
