"""Errors on the wire: the one mapping from our error tree to HTTP status, reason and envelope (contract 0.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.errors import CallscribeError, InvalidArgument, NotFound, PermissionDenied
from app.flow.finding import Finding


class InvalidJsonBody(InvalidArgument):
    """The body is not a JSON object."""

    code = "INVALID_JSON_BODY"


class InvalidId(InvalidArgument):
    """An id in the path or the query is not a UUID."""

    code = "INVALID_ID"


class InvalidRequestParameter(InvalidArgument):
    """A query parameter is malformed."""

    code = "INVALID_REQUEST_PARAMETER"


class MissingRequestParameter(InvalidArgument):
    """A query parameter that is needed is missing."""

    code = "MISSING_REQUEST_PARAMETER"


class InvalidReferenceFilter(InvalidArgument):
    """Only one of the pair reference_type and reference_id was given."""

    code = "INVALID_REFERENCE_FILTER"


class InvalidAnonymousValue(InvalidArgument):
    """`anonymous` is not yes, no or auto."""

    code = "INVALID_ANONYMOUS_VALUE"


class InvalidVariables(InvalidArgument):
    """The variables of a call or an activeflow are too many, too long, or no texts."""

    code = "INVALID_VARIABLES"


class InvalidWebhookMethod(InvalidArgument):
    """`webhook_method` is none that a webhook is sent with."""

    code = "INVALID_WEBHOOK_METHOD"


class InvalidWebhookUri(InvalidArgument):
    """`webhook_uri` is no address that a webhook can be sent to."""

    code = "INVALID_WEBHOOK_URI"


class RouteNotFound(CallscribeError):
    """No such path, or not with this method."""

    code = "ROUTE_NOT_FOUND"


class AuthenticationRequired(CallscribeError):
    """No credential was supplied."""

    code = "AUTHENTICATION_REQUIRED"


class InvalidCredentials(CallscribeError):
    """The token or key is wrong, expired or deleted."""

    code = "INVALID_CREDENTIALS"


class RateLimitExceeded(CallscribeError):
    """Too many requests; `retry_after_seconds` is when one would be taken again."""

    code = "RATE_LIMIT_EXCEEDED"
    retryable: ClassVar[bool] = True

    def __init__(self, limited_by: str, retry_after_seconds: int) -> None:
        super().__init__(f"too many requests of this {limited_by}", limited_by=limited_by)
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class HttpError:
    """An error as HTTP sees it."""

    http_status: int
    status: str
    reason: str
    message: str
    details: tuple[Mapping[str, object], ...] = ()
    retry_after_seconds: int | None = None

    def envelope(self, request_id: str) -> dict[str, object]:
        """Return the JSON body."""
        error: dict[str, object] = {
            "status": self.status,
            "reason": self.reason,
            "message": self.message,
            "request_id": request_id,
        }
        if self.details:
            error["details"] = [dict(detail) for detail in self.details]
        return {"error": error}


INTERNAL = HttpError(500, "INTERNAL", "INTERNAL", "something went wrong here; the log has the request id")

_UNAVAILABLE_RETRY_SECONDS = 5
_INDEX = re.compile(r"\[(\d+)\]")

_BY_CODE: Mapping[str, tuple[int, str, str]] = {
    "INVALID_ARGUMENT": (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
    "INVALID_JSON_BODY": (400, "INVALID_ARGUMENT", "INVALID_JSON_BODY"),
    "INVALID_ID": (400, "INVALID_ARGUMENT", "INVALID_ID"),
    "INVALID_REQUEST_PARAMETER": (400, "INVALID_ARGUMENT", "INVALID_REQUEST_PARAMETER"),
    "MISSING_REQUEST_PARAMETER": (400, "INVALID_ARGUMENT", "MISSING_REQUEST_PARAMETER"),
    "INVALID_REFERENCE_FILTER": (400, "INVALID_ARGUMENT", "INVALID_REFERENCE_FILTER"),
    "INVALID_ACTION_TYPE": (400, "INVALID_ARGUMENT", "INVALID_ACTION_TYPE"),
    "INVALID_ANONYMOUS_VALUE": (400, "INVALID_ARGUMENT", "INVALID_ANONYMOUS_VALUE"),
    "INVALID_VARIABLES": (400, "INVALID_ARGUMENT", "INVALID_VARIABLES"),
    "INVALID_WEBHOOK_METHOD": (400, "INVALID_ARGUMENT", "INVALID_WEBHOOK_METHOD"),
    "INVALID_WEBHOOK_URI": (400, "INVALID_ARGUMENT", "INVALID_WEBHOOK_URI"),
    "LANGUAGE_NOT_INSTALLED": (400, "INVALID_ARGUMENT", "LANGUAGE_NOT_INSTALLED"),
    "AUTHENTICATION_REQUIRED": (401, "UNAUTHENTICATED", "AUTHENTICATION_REQUIRED"),
    "INVALID_CREDENTIALS": (401, "UNAUTHENTICATED", "INVALID_CREDENTIALS"),
    "PERMISSION_DENIED": (403, "PERMISSION_DENIED", "PERMISSION_DENIED"),
    "NOT_FOUND": (404, "NOT_FOUND", "RESOURCE_NOT_FOUND"),
    "ROUTE_NOT_FOUND": (404, "NOT_FOUND", "ROUTE_NOT_FOUND"),
    "STATE_INVALID": (409, "FAILED_PRECONDITION", "STATE_INVALID"),
    "LEG_GONE": (409, "FAILED_PRECONDITION", "STATE_INVALID"),
    "CALL_ALREADY_HANGUP": (409, "FAILED_PRECONDITION", "CALL_ALREADY_HANGUP"),
    "RECORDING_ALREADY_ACTIVE": (409, "FAILED_PRECONDITION", "RECORDING_ALREADY_ACTIVE"),
    "RECORDING_NOT_ACTIVE": (409, "FAILED_PRECONDITION", "RECORDING_NOT_ACTIVE"),
    "ALREADY_EXISTS": (409, "ALREADY_EXISTS", "ALREADY_EXISTS"),
    "STORE_CONFLICT": (409, "ALREADY_EXISTS", "ALREADY_EXISTS"),
    "TRANSCRIBE_ALREADY_PROGRESSING": (409, "ALREADY_EXISTS", "TRANSCRIBE_ALREADY_PROGRESSING"),
    "RATE_LIMIT_EXCEEDED": (429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED"),
    "UNAVAILABLE": (503, "UNAVAILABLE", "SERVICE_UNAVAILABLE"),
}

_RESOURCES_WITH_A_REASON = frozenset(
    {
        *("call", "groupcall", "recording", "flow", "activeflow", "transcribe", "streaming", "conference"),
        *("conferencecall", "number", "extension", "trunk", "provider", "route", "queue", "queuecall", "agent"),
        *("customer", "accesskey", "file"),
    }
)

_FIELD_ERRORS: Mapping[str, type[InvalidArgument]] = {
    kind.code: kind for kind in (InvalidAnonymousValue, InvalidVariables, InvalidWebhookMethod, InvalidWebhookUri)
}
_CONFLICT = "this clashes with what is there already: an id, a name or a number that exists once only"


def invalid_field(code: str, field: str, message: str) -> InvalidArgument:
    """Return the error for a wrong field: of the kind that has `code`, where one has."""
    return _FIELD_ERRORS.get(code, InvalidArgument)(field, message)


def reasons_of(http_status: int, resource: str) -> tuple[tuple[str, str], ...]:
    """Return every (status, reason) that `http_status` can have on a route of `resource` (a word such as `call`)."""
    reasons = {(status, reason) for known, status, reason in _BY_CODE.values() if known == http_status}
    if http_status == 404:
        reasons = {("NOT_FOUND", not_found_reason(resource))}
    elif http_status == 500:
        reasons = {("INTERNAL", "INTERNAL")}
    return tuple(sorted(reasons))


def not_found_reason(resource: str) -> str:
    """Return the reason for a missing resource of this word."""
    return f"{resource.upper()}_NOT_FOUND" if resource in _RESOURCES_WITH_A_REASON else "RESOURCE_NOT_FOUND"


def http_error_of(error: CallscribeError) -> HttpError | None:
    """Return how `error` is told to a client; None for what is no client's business (a 500)."""
    known = _BY_CODE.get(error.code)
    if known is None:
        return None
    http_status, status, reason = known
    retry_after: int | None = None
    details: tuple[Mapping[str, object], ...] = ()
    message = _CONFLICT if error.code == "STORE_CONFLICT" else error.message  # the database's words name its columns
    if isinstance(error, NotFound):
        reason = not_found_reason(error.resource)
    elif isinstance(error, RateLimitExceeded):
        retry_after, details = error.retry_after_seconds, ({"limited_by": error.details["limited_by"]},)
    elif "field" in error.details:
        field, message = _with_dots(str(error.details["field"]), message)
        details = tuple(tell_finding(finding) for finding in _findings_of(error)) or ({"field": field},)
    elif http_status == 503:
        retry_after = _UNAVAILABLE_RETRY_SECONDS
    return HttpError(http_status, status, reason, message, details, retry_after)


def _findings_of(error: CallscribeError) -> tuple[Finding, ...]:
    found = error.details.get("findings", ())
    return tuple(each for each in found if isinstance(each, Finding)) if isinstance(found, tuple) else ()


def tell_finding(finding: Finding) -> Mapping[str, object]:
    """Return one finding of a flow: `field` as everywhere in the API, `path` as `callscribe flows check` shows it."""
    field, _ = _with_dots(finding.path, "")
    return {
        "field": field,
        "path": f"$.{finding.path}",
        "severity": finding.severity.value,
        "message": finding.text,
    }


def _with_dots(field: str, message: str) -> tuple[str, str]:
    """Return a field and the message that begins with it in the API's one form: `actions.0.option`, no brackets."""
    dotted = _INDEX.sub(r".\1", field)
    return dotted, dotted + message.removeprefix(field) if message.startswith(field) else message


def denied() -> PermissionDenied:
    """Return the refusal that shows nothing of what was asked for."""
    return PermissionDenied("this is not yours, or your role does not allow it")
