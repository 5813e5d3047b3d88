"""Addresses in bodies: read as those in the options of actions are."""

from app.flow.address_form import (
    AddressField,
    AddressForm,
    is_dialled,
    is_host,
    is_host_and_port,
    is_sip_target,
    is_tel,
)

__all__ = ["AddressField", "AddressForm", "is_dialled", "is_host", "is_host_and_port", "is_sip_target", "is_tel"]
