"""Short messages of flows: to telephones by SIP MESSAGE, to numbers through the operator's provider."""

from __future__ import annotations

from app.application.json_endpoint import JsonEndpoint
from app.ari.ari import Ari
from app.ari.contacts import list_contacts
from app.ari.text_message import send_text
from app.domain.call import Address, AddressType
from app.errors import CallscribeError, InvalidArgument, Unavailable
from app.flow.address_form import is_dialled
from app.store.store import Store


class FlowMessages:
    """Sends messages (MessageControl). `provider` None = no CALLSCRIBE_SMS_URL."""

    def __init__(self, ari: Ari, store: Store, provider: JsonEndpoint | None, *, sip_host: str) -> None:
        self._ari = ari
        self._store = store
        self._provider = provider
        self._sip_host = f"[{sip_host}]" if ":" in sip_host else sip_host

    async def send(self, customer_id: str, source: Address, destination: Address, text: str) -> None:
        """Send a text to one destination; InvalidArgument where it is none, Unavailable where nobody takes it."""
        match destination.type:
            case AddressType.EXTENSION:
                await self._send_to_extension(customer_id, source, destination, text)
            case AddressType.TEL | AddressType.LINE:
                await self._send_to_number(source, destination, text)
            case _:
                raise InvalidArgument("option.destinations", "can be extensions and tel numbers only")

    async def _send_to_extension(self, customer_id: str, source: Address, destination: Address, text: str) -> None:
        extension = (
            await self._store.extensions.get(customer_id, destination.target)
            if destination.target
            else await self._store.extensions.find(customer_id, destination.target_name)
        )
        if extension is None or extension.tm_delete is not None:
            raise InvalidArgument("option.destinations", "there is no such extension")
        start = f"PJSIP/{extension.username}/"
        contacts = await list_contacts(self._ari, extension.username)
        failure: CallscribeError = Unavailable(f"no telephone is registered as the extension {extension.extension}")
        sent = 0
        for contact in contacts:
            try:
                sender = self._sender(source)
                await send_text(self._ari, extension.username, contact.removeprefix(start), text, sender=sender)
                sent += 1
            except CallscribeError as error:
                failure = error
        if not sent:
            raise failure

    async def _send_to_number(self, source: Address, destination: Address, text: str) -> None:
        if self._provider is None:
            raise Unavailable("messages to numbers need an SMS provider; configure CALLSCRIBE_SMS_URL")
        number = source.target or source.target_name
        await self._provider.post({"source": number, "destination": destination.target, "text": text})

    def _sender(self, source: Address) -> str:
        """Return who the telephone shows: the source where a SIP URI can hold it."""
        shown = source.target_name if source.type is AddressType.EXTENSION else source.target.partition("@")[0]
        return f"sip:{shown if is_dialled(shown) else 'anonymous'}@{self._sip_host}"
