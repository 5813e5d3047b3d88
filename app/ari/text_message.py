"""SIP MESSAGE: texts to telephones (res_pjsip_messaging)."""

from app.ari import operation
from app.ari.operation import Requester


async def send_text(ari: Requester, endpoint: str, contact: str, text: str, *, sender: str) -> None:
    """Send `text` to one contact (`sip:...`) of a PJSIP endpoint; `sender` is a SIP URI.

    Asterisk answers when it has the request, not when the telephone has: AriRefused = there is no
    such endpoint.
    """
    to = f"pjsip:{endpoint}/{contact}"
    await operation.SEND_MESSAGE.send(ari, {}, {"to": to, "from": sender, "body": text})
