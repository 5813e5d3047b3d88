"""Links to recordings' files that need no credential: signed, good for one recording, one part and one hour."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlencode

LINK_SECONDS = 3600
PARTS = ("", "in", "out")
"""Of a call: both sides (left = in, right = out), what the party said, what it heard. Of a conference only ""."""
_PURPOSE = b"callscribe recording link\n"  # the secret signs log-in tokens too


def make_link(secret: bytes, recording_id: str, part: str, now: float) -> str:
    """Return the path and query of a link that is good until LINK_SECONDS after `now` (seconds of the epoch)."""
    expires = int(now) + LINK_SECONDS
    query = {"expires": str(expires), "signature": _sign(secret, recording_id, part, str(expires))}
    if part:
        query["part"] = part
    return f"/recordings/files/{recording_id}.wav?{urlencode(query)}"


def is_link_good(secret: bytes, recording_id: str, part: str, expires: str, signature: str, now: float) -> bool:
    """Tell whether we made this link and it has not expired at `now`."""
    if not (expires.isascii() and expires.isdigit() and len(expires) <= 12 and signature.isascii()):
        return False
    is_ours = hmac.compare_digest(_sign(secret, recording_id, part, expires), signature)
    return is_ours and now <= int(expires)


def _sign(secret: bytes, recording_id: str, part: str, expires: str) -> str:
    text = "\n".join((recording_id, part, expires))
    return hmac.new(secret, _PURPOSE + text.encode(), hashlib.sha256).hexdigest()
