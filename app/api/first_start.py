"""New customers, each with an admin and an access key; the first one is made, and its settings kept true, at starts."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field, replace

from app.api.passwords import Passwords
from app.api.tokens import KEY_MIN_LENGTH, KEY_PREFIX, hash_key, make_key, shown_part
from app.domain.customer import AccessKey, Agent, Customer, Permission
from app.domain.ids import new_id
from app.domain.timestamps import now
from app.errors import AlreadyExists, InvalidArgument, InvalidSetting
from app.store import Store, Transaction

ADMIN = "admin"
_MAX_NAME = 255
_MAX_PASSWORD = 1024  # what a log-in takes
_KEY = re.compile(rf"{KEY_PREFIX}[\x21-\x7e]{{{KEY_MIN_LENGTH - len(KEY_PREFIX)},}}")


@dataclass(frozen=True, slots=True)
class FirstCredentials:
    """Whose instance this is, and the secrets that were generated just now: to be printed once, never stored."""

    customer_id: str
    username: str
    password: str | None = field(default=None, repr=False)
    access_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NewCustomer:
    """A customer that was made just now, and its key: to be shown once."""

    customer: Customer
    access_key: str = field(repr=False)


async def create_customer(store: Store, name: str, username: str, password: str) -> NewCustomer:
    """Make a customer with an admin and an access key.

    InvalidArgument for a name, username or password that cannot be used, AlreadyExists for a username that is taken.
    """
    for what, text in (("name", name), ("username", username)):
        if not 0 < len(text) <= _MAX_NAME or not text.isprintable():
            raise InvalidArgument(what, f"expected 1 to {_MAX_NAME} characters without control characters")
    if not 0 < len(password) <= _MAX_PASSWORD:
        raise InvalidArgument("password", f"expected 1 to {_MAX_PASSWORD} characters")
    if await store.agents.get_by_username(username) is not None:
        raise AlreadyExists(f"username: an agent {username!r} is there already", field="username")
    return await _make(store, name, username, await Passwords().hash(password), make_key())


async def ensure_first_customer(store: Store, admin_password: str | None, access_key: str | None) -> FirstCredentials:
    """Make the first customer where there is none, and make the settings true: this password, this key.

    Raises InvalidSetting for a key or password that cannot be used; nothing is changed then.
    """
    _check(admin_password, access_key)
    passwords = Passwords()
    customer = await store.customers.first()
    if customer is None:
        return await _make_first(store, passwords, admin_password, access_key)
    if admin_password is not None:
        await _make_password_true(store, passwords, customer, admin_password)
    if access_key is not None:
        await _make_key_true(store, customer, access_key)
    return FirstCredentials(customer.id, ADMIN)


def _check(admin_password: str | None, access_key: str | None) -> None:
    if admin_password is not None and not 0 < len(admin_password) <= _MAX_PASSWORD:
        raise InvalidSetting("CALLSCRIBE_ADMIN_PASSWORD", f"expected 1 to {_MAX_PASSWORD} characters")
    if access_key is not None and _KEY.fullmatch(access_key) is None:
        raise InvalidSetting(
            "CALLSCRIBE_ACCESS_KEY",
            f"a key begins with {KEY_PREFIX} and has at least {KEY_MIN_LENGTH} characters, printable ASCII, no spaces",
        )


async def _make_first(
    store: Store, passwords: Passwords, admin_password: str | None, access_key: str | None
) -> FirstCredentials:
    password = admin_password or secrets.token_urlsafe(18)
    made = await _make(store, "Callscribe", ADMIN, await passwords.hash(password), access_key or make_key())
    return FirstCredentials(
        made.customer.id,
        ADMIN,
        password=password if admin_password is None else None,
        access_key=made.access_key if access_key is None else None,
    )


async def _make(store: Store, name: str, username: str, password_hash: str, key: str) -> NewCustomer:
    moment = now()
    customer = Customer(
        id=new_id(), name=name, webhook_secret=secrets.token_hex(32), tm_create=moment, tm_update=moment
    )
    async with store.transaction() as tx:
        customer = await tx.customers.insert(customer)
        await tx.agents.insert(_admin(customer, username, password_hash))
        await _insert_key(tx, customer, key)
    return NewCustomer(customer, key)


async def _make_password_true(store: Store, passwords: Passwords, customer: Customer, password: str) -> None:
    agent = await store.agents.get_by_username(ADMIN)
    if agent is None:
        await store.agents.insert(_admin(customer, ADMIN, await passwords.hash(password)))
    elif agent.tm_delete is not None or not await passwords.is_right(password, agent.password_hash):
        password_hash = await passwords.hash(password)
        await store.agents.update(replace(agent, password_hash=password_hash, tm_update=now(), tm_delete=None))


async def _make_key_true(store: Store, customer: Customer, secret: str) -> None:
    key = await store.access_keys.get_by_hash(hash_key(secret))
    if key is None:
        await _insert_key(store, customer, secret)
    elif key.tm_delete is not None or key.tm_expire is not None:
        await store.access_keys.update(replace(key, tm_update=now(), tm_delete=None, tm_expire=None))


def _admin(customer: Customer, username: str, password_hash: str) -> Agent:
    moment = now()
    return Agent(
        id=new_id(),
        customer_id=customer.id,
        username=username,
        password_hash=password_hash,
        name="Administrator",
        permission=Permission.CUSTOMER_ADMIN,
        tm_create=moment,
        tm_update=moment,
    )


async def _insert_key(tables: Transaction, customer: Customer, secret: str) -> None:
    moment = now()
    await tables.access_keys.insert(
        AccessKey(
            id=new_id(),
            customer_id=customer.id,
            name="first key",
            token_hash=hash_key(secret),
            token_prefix=shown_part(secret),
            tm_create=moment,
            tm_update=moment,
        )
    )
