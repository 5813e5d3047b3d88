"""An address as JSON (contract 3.1)."""

from app.domain.call import Address, AddressType
from app.wire.forms import Body


class AddressBody(Body):
    """One party's address."""

    type: AddressType
    target: str
    target_name: str
    name: str
    detail: str


def address_body(address: Address) -> AddressBody:
    """Return the JSON body of an address."""
    return AddressBody(
        type=address.type,
        target=address.target,
        target_name=address.target_name,
        name=address.name,
        detail=address.detail,
    )
