"""Where a phone has registered: asked of Asterisk, which alone knows.

ARI has no list of contacts, and `GET /asterisk/variable` does not call functions (22.10.1): only a channel can ask.
"""

from __future__ import annotations

import re

from app.ari.ari import Ari
from app.ari.channel import get_variable, open_created_channel
from app.ari.dynamic_config import delete_object
from app.ari.errors import AriRefused
from app.domain.ids import asterisk_id, new_id

_NAME = re.compile(r"[A-Za-z0-9._+-]{1,128}")


async def list_contacts(ari: Ari, aor: str) -> tuple[str, ...]:
    """Return the dial strings of the phones that are registered as `aor` now (`PJSIP/AOR/sip:...`), () for none.

    They come one for each device, whether it answers or not. A name that Asterisk's functions cannot take has none.
    """
    text = await _ask(ari, "PJSIP_DIAL_CONTACTS({})", aor)
    # They are joined by &, which a contact's own address may hold as well.
    start = f"PJSIP/{aor}/"
    return tuple(start + contact for contact in f"&{text}".split(f"&{start}")[1:] if contact)


async def is_registered(ari: Ari, aor: str) -> bool:
    """Whether any phone is registered as `aor` now."""
    return bool(await list_contacts(ari, aor))


async def forget_contacts(ari: Ari, aor: str) -> int:
    """End all registrations of `aor`, as when its password has changed; return how many there were."""
    text = await _ask(ari, "PJSIP_AOR({},contact)", aor)
    contact_ids = [it for it in text.split(",") if it]
    for contact_id in contact_ids:
        await delete_object(ari, "res_pjsip", "contact", contact_id)
    return len(contact_ids)


async def _ask(ari: Ari, function: str, aor: str) -> str:
    """Call a function of Asterisk's about `aor`, on a channel that leads nowhere and lives for some 2 ms."""
    if not _NAME.fullmatch(aor):
        return ""
    ask_id = asterisk_id("ask", new_id())
    other_half = f"{ask_id}-2"
    with ari.hold(other_half):
        async with open_created_channel(ari, ask_id, "Local/s@refused", other_channel_id=other_half):
            try:
                return await get_variable(ari, ask_id, function.format(aor)) or ""
            except AriRefused as error:
                if error.status != 500:
                    raise
                return ""  # Asterisk knows no such phone
