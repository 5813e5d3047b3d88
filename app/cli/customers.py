"""`callscribe customers`: the tenants of this instance, which the API cannot make; works beside a running server."""

import asyncio
import logging
import secrets
from typing import Annotated

import typer
from rich.console import Console

from app.api.first_start import FirstCredentials, NewCustomer, create_customer, ensure_first_customer
from app.domain.customer import Customer
from app.domain.timestamps import format_timestamp
from app.logs import configure_logs
from app.settings import Settings, read_settings
from app.store import open_store

customers_app = typer.Typer(no_args_is_help=True, help="Customers: which there are, and making one.")
console = Console(highlight=False, soft_wrap=True)


@customers_app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What the customer is called.")],
    username: Annotated[
        str, typer.Option("--username", help="Log-in name of its first admin, unique in the instance.")
    ],
) -> None:
    """Make a customer with an admin and an access key; password and key are shown this one time."""
    configure_logs(level=logging.WARNING)
    password = secrets.token_urlsafe(18)
    first, made = asyncio.run(_create(read_settings(), name, username, password))
    if first.password or first.access_key:
        console.print("the instance's first customer, as its first start would have made it:")
        _show(first.customer_id, first.username, first.password, first.access_key)
        console.print(f"{name}:", markup=False)
    _show(made.customer.id, username, password, made.access_key)


@customers_app.command("list")
def list_customers() -> None:
    """Show all customers, deleted ones too."""
    configure_logs(level=logging.WARNING)
    for customer in asyncio.run(_list(read_settings())):
        deleted = "" if customer.tm_delete is None else f"  deleted {format_timestamp(customer.tm_delete)}"
        console.print(f"{customer.id}  {format_timestamp(customer.tm_create)}  {customer.name}{deleted}", markup=False)


def _show(customer_id: str, username: str, password: str | None, access_key: str | None) -> None:
    console.print(f"customer    {customer_id}\nagent       {username}", markup=False)
    if password:
        console.print(f"password    {password}", markup=False)
    if access_key:
        console.print(f"access key  {access_key}", markup=False)


async def _create(settings: Settings, name: str, username: str, password: str) -> tuple[FirstCredentials, NewCustomer]:
    async with open_store(settings.effective_database_url) as store:
        # The oldest customer is the one that the flow folder and the settings belong to: never this one.
        first = await ensure_first_customer(store, settings.admin_password or None, settings.access_key or None)
        return first, await create_customer(store, name, username, password)


async def _list(settings: Settings) -> tuple[Customer, ...]:
    async with open_store(settings.effective_database_url) as store:
        return await store.customers.list_all()
