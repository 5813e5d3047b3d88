"""What can go wrong between us and Asterisk's REST interface (ARI)."""

from app.errors import CallscribeError, Unavailable


class AriRefused(CallscribeError):
    """Asterisk answered with an error; `status` is its HTTP status, `reason` its own words, `path` what was asked."""

    code = "ASTERISK_REFUSED"

    def __init__(self, status: int, reason: str, path: str, *, method: str = "") -> None:
        asked = f"{method} {path}".strip()
        super().__init__(f"Asterisk refused {asked}: {status} {reason}", status=status, path=path, method=method)
        self.status = status
        self.reason = reason
        self.path = path


class AriTimeout(Unavailable):
    """Asterisk did not answer, or an awaited event did not come, in time; what was asked may still happen later."""

    code = "ASTERISK_TIMEOUT"


class AriDisconnected(Unavailable):
    """There is no connection to Asterisk (now, or any more); the message says why."""

    code = "ASTERISK_DISCONNECTED"


class AriOverrun(CallscribeError):
    """The owner of a watch did not read its events and the bound was reached: later ones are lost."""

    code = "ASTERISK_OVERRUN"
