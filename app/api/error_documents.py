"""Which errors a route can answer, as OpenAPI responses: the envelope with the reasons that are possible."""

from __future__ import annotations

from collections.abc import Mapping

from app.api.errors import reasons_of
from app.api.route import Route

_ONLY_WITH_A_FIELD: Mapping[str, str] = {
    "INVALID_ACTION_TYPE": "actions",
    "INVALID_ANONYMOUS_VALUE": "anonymous",
    "INVALID_VARIABLES": "variables",
    "INVALID_WEBHOOK_METHOD": "webhook_method",
    "INVALID_WEBHOOK_URI": "webhook_uri",
    "LANGUAGE_NOT_INSTALLED": "language",
    "INVALID_REFERENCE_FILTER": "reference_type",
}
"""Reason -> the field or query parameter that it is about."""

_ONLY_UNDER: Mapping[str, tuple[str, ...]] = {
    "CALL_ALREADY_HANGUP": ("/calls", "/speakings"),
    "RECORDING_ALREADY_ACTIVE": ("recording_start",),
    "RECORDING_NOT_ACTIVE": ("recording_stop",),
    "TRANSCRIBE_ALREADY_PROGRESSING": ("transcribe",),
    "RECOGNITION_OVERLOADED": ("transcribe",),
}
"""Reason -> parts of the paths where it can be."""

_SENTENCES: Mapping[int, str] = {
    400: "Something in the request is wrong; `details` names the field.",
    401: "There is no credential, or it is not valid.",
    403: "It belongs to another customer, or your role does not allow it.",
    404: "There is none.",
    409: "Its state does not allow this, or it is there already.",
    429: "Too many requests; `Retry-After` says when to come again.",
    500: "A fault of ours; the log has the request id.",
    503: "A part that is needed is not there now; `Retry-After` says when to try again.",
}
_NAMES: Mapping[int, str] = {
    400: "Invalid",
    401: "Unauthenticated",
    403: "Denied",
    404: "NotFound",
    409: "Conflict",
    429: "TooMany",
    500: "Internal",
    503: "Unavailable",
}
_RETRY_AFTER = {"Retry-After": {"description": "Seconds", "schema": {"type": "integer", "minimum": 1}}}
_WORDS: Mapping[str, str] = {"activeflows": "activeflow", "transcripts": "transcribe", "recordingfiles": "recording"}


class ErrorResponses:
    """The error responses of all routes; equal ones are written once and referred to."""

    def __init__(self, envelope: Mapping[str, object]) -> None:
        self._envelope = envelope
        self.components: dict[str, object] = {}
        """Name -> response."""

    def of(self, route: Route) -> dict[str, object]:
        """Return the error responses of a route by HTTP status."""
        if not route.has_envelope:
            return {"400": {"description": "Any fault, without a body."}, "429": self._refer(route, 429)}
        return {str(status): self._refer(route, status) for status in _statuses(route)}

    def _refer(self, route: Route, http_status: int) -> dict[str, object]:
        response = _response(route, http_status, self._envelope)
        number = 1
        while self.components.setdefault(name := _NAMES[http_status] + str(number), response) != response:
            number += 1
        return {"$ref": f"#/components/responses/{name}"}


def _statuses(route: Route) -> list[int]:
    statuses = {*route.errors, 500}
    if not route.is_open:
        statuses |= {401, 403, 429}
    if route.body is not None or route.query or route.patterns:
        statuses.add(400)
    if "id" in route.patterns:
        statuses.add(404)
    if route.method != "GET":
        statuses |= {409, 503}
    return sorted(statuses - {route.status, *route.more_statuses})


def _response(route: Route, http_status: int, envelope: Mapping[str, object]) -> dict[str, object]:
    possible = [pair for pair in reasons_of(http_status, _word_of(route)) if _is_possible(pair[1], route)]
    statuses = sorted({status for status, _ in possible})
    reasons = sorted({reason for _, reason in possible})
    if http_status == 404:
        reasons = []  # also of what the body refers to
    narrowed: dict[str, object] = {"status": {"enum": statuses}}
    if reasons:
        narrowed["reason"] = {"enum": reasons}
    error = {"type": "object", "properties": narrowed}
    schema = {"allOf": [dict(envelope), {"type": "object", "properties": {"error": error}}]}
    text = f"{_SENTENCES[http_status]} Reasons: {', '.join(sorted({reason for _, reason in possible}))}."
    response: dict[str, object] = {"description": text, "content": {"application/json": {"schema": schema}}}
    if http_status in (429, 503):
        response["headers"] = _RETRY_AFTER
    return response


def _is_possible(reason: str, route: Route) -> bool:
    fields = set() if route.body is None else set(route.body.model_fields)
    parameters = {query.name for query in route.query}
    if (field := _ONLY_WITH_A_FIELD.get(reason)) is not None:
        return field in parameters if reason == "INVALID_REFERENCE_FILTER" else field in fields
    if (parts := _ONLY_UNDER.get(reason)) is not None:
        return any(part in route.path for part in parts)
    conditions = {
        "INVALID_JSON_BODY": route.body is not None,
        "INVALID_ID": bool(route.patterns) or any(name.endswith("_id") for name in parameters),
        "INVALID_REQUEST_PARAMETER": bool(parameters),
        "MISSING_REQUEST_PARAMETER": any(query.is_required for query in route.query),
    }
    return conditions.get(reason, True)


def _word_of(route: Route) -> str:
    parts = route.key[1].strip("/").split("/")
    plural = parts[1] if len(parts) > 1 and parts[0] == "v1.0" else parts[0]
    return _WORDS.get(plural, plural.removesuffix("s"))
