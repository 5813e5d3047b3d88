"""Which number a called party is shown, and what a destination that cannot be reached is told."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.application.dialling import Dialling
from app.application.sip_policy import SipPolicy
from app.domain.call import Address, AddressType
from app.domain.ids import new_id
from app.domain.line import NumberType
from app.errors import InvalidArgument
from app.store import Store

OWN, DEFAULT, FOREIGN, CALLED = "+15551110001", "+15551110002", "+15551110003", "+15559876543"
TEL = Address(AddressType.TEL, CALLED)


@pytest.fixture
def dialling(store: Store) -> Dialling:
    return Dialling(store, cast(Any, SimpleNamespace()), SipPolicy("*"), ring_seconds=30)


@pytest.fixture
async def customer_id(store: Store, samples: Any) -> str:
    """A customer that may call the United States over a trunk, and owns OWN and DEFAULT."""
    customer = await store.customers.insert(samples.customer())
    await store.trunks.insert(samples.trunk(customer.id, hostname="127.0.0.1:5070"))
    for number in (OWN, DEFAULT):
        await store.numbers.insert(samples.number(customer.id, number=number, type=NumberType.NORMAL))
    return str(customer.id)


async def allow(store: Store, samples: Any, customer_id: str, *, has_default: bool) -> None:
    fields: dict[str, Any] = {"destination_whitelist": ("us",)}
    if has_default:
        number = await store.numbers.find(DEFAULT)
        assert number is not None
        fields["default_outgoing_source_number_id"] = number.id
    await store.outbound_configs.insert(samples.outbound_config(customer_id, **fields))


async def shown(dialling: Dialling, customer_id: str, source: Address, to: Address = TEL, anonymous: str = "") -> str:
    reach = await dialling.reach(customer_id, source, to, place="destinations.0", anonymous=anonymous)
    return reach.targets[0].dial.caller_id


async def test_without_a_default_number_a_telephone_is_shown_the_source(
    dialling: Dialling, store: Store, samples: Any, customer_id: str
) -> None:
    await allow(store, samples, customer_id, has_default=False)
    for number in (OWN, FOREIGN):  # the tutorial calls from +15551234567, which nobody took
        assert await shown(dialling, customer_id, Address(AddressType.TEL, number)) == f"<{number}>"


async def test_a_telephone_is_shown_the_default_number_for_a_source_that_is_not_ours(
    dialling: Dialling, store: Store, samples: Any, customer_id: str
) -> None:
    await allow(store, samples, customer_id, has_default=True)
    assert await shown(dialling, customer_id, Address(AddressType.TEL, OWN)) == f"<{OWN}>"
    for source in (
        Address(AddressType.TEL, FOREIGN, name="Ann"),
        Address(AddressType.EXTENSION, target_name="2001", name="Ann"),
        Address(AddressType.SIP, "ann@example.com", name="Ann"),
    ):
        assert await shown(dialling, customer_id, source) == f'"Ann" <{DEFAULT}>'
    assert await shown(dialling, customer_id, Address(AddressType.TEL, FOREIGN), anonymous="yes") == (
        '"Anonymous" <anonymous>'
    )


async def test_a_virtual_number_is_shown_to_no_telephone(
    dialling: Dialling, store: Store, samples: Any, customer_id: str
) -> None:
    await allow(store, samples, customer_id, has_default=True)
    virtual = await store.numbers.insert(samples.number(customer_id, number="+899123456789", type=NumberType.VIRTUAL))
    assert await shown(dialling, customer_id, Address(AddressType.TEL, virtual.number)) == f"<{DEFAULT}>"


async def test_a_sip_destination_is_shown_the_source(
    dialling: Dialling, store: Store, samples: Any, customer_id: str
) -> None:
    await allow(store, samples, customer_id, has_default=True)
    to = Address(AddressType.SIP, "bob@127.0.0.1:5070")
    assert await shown(dialling, customer_id, Address(AddressType.TEL, FOREIGN), to) == f"<{FOREIGN}>"


async def test_an_extension_whose_id_is_gone_is_dialled_by_its_number(
    store: Store, samples: Any, customer_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody(_ari: Any, _username: str) -> tuple[str, ...]:
        return ()

    monkeypatch.setattr("app.application.dialling.list_contacts", nobody)
    dialling = Dialling(store, cast(Any, SimpleNamespace()), SipPolicy("*"), ring_seconds=30)
    phone = await store.extensions.insert(samples.extension(customer_id, extension="2001"))
    other = await store.extensions.insert(samples.extension(customer_id, extension="2002"))
    source = Address(AddressType.TEL, OWN)
    for target, number, reached in ((new_id(), "2001", phone), (other.id, "2001", other), ("", "2002", other)):
        reach = await dialling.reach(
            customer_id, source, Address(AddressType.EXTENSION, target, number), place="destinations.0"
        )
        assert reach.is_group
        assert [each.destination.target for each in reach.targets] == [reached.id]


@pytest.mark.parametrize(
    ("destination", "field"),
    [
        (Address(AddressType.EXTENSION, new_id()), "destinations.0.target"),
        (Address(AddressType.EXTENSION, target_name="2001"), "destinations.0.target_name"),
        (Address(AddressType.AGENT, new_id()), "destinations.0.target"),
        (Address(AddressType.CONFERENCE, new_id()), "destinations.0.target"),
        (TEL, "destinations.0.target"),
    ],
    ids=["extension by id", "extension by number", "agent", "conference", "number in no allowed country"],
)
async def test_what_cannot_be_reached_names_the_field_that_was_sent(
    dialling: Dialling, customer_id: str, destination: Address, field: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await shown(dialling, customer_id, Address(AddressType.TEL, OWN), destination)
    assert refused.value.field == field
