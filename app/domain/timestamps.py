"""The API's time forms: UTC to the microsecond, the sentinel for "not yet", and offsets on day one."""

from datetime import UTC, datetime, timedelta

NEVER = "9999-01-01 00:00:00.000000"
"""What `tm_delete` holds while a resource is not deleted (tutorial, contract 0.2)."""

_FORM = "%Y-%m-%d %H:%M:%S.%f"
_DAY_ONE = datetime(1, 1, 1)


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


def format_timestamp(moment: datetime) -> str:
    """Return `YYYY-MM-DD HH:MM:SS.ffffff` in UTC; `moment` is aware."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def parse_timestamp(text: str) -> datetime:
    """Read `YYYY-MM-DD HH:MM:SS.ffffff` or `YYYY-MM-DDTHH:MM:SS[.f]Z` as UTC; ValueError when it is neither."""
    plain = text.strip().removesuffix("Z").replace("T", " ")
    whole, _, fraction = plain.partition(".")
    return datetime.strptime(f"{whole}.{(fraction or '0')[:6]}", _FORM).replace(tzinfo=UTC)


def format_offset(offset: timedelta) -> str:
    """Return an offset on day `0001-01-01` as `tm_transcript` carries it; a negative offset counts as zero."""
    moment = _DAY_ONE + max(offset, timedelta(0))
    return f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d} {moment.time().isoformat(timespec='microseconds')}"
