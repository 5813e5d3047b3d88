"""The OpenAPI 3.1 document, generated from the routes and from the models that validate bodies and write answers.

https://spec.openapis.org/oas/v3.1.1 ; pydantic's JSON Schema is the dialect that 3.1 uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, Field
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from pydantic_core import to_json

from app import __version__
from app.api.body_examples import EXAMPLES
from app.api.error_documents import ErrorResponses
from app.api.request_body import is_body_optional
from app.api.route import ID_SCHEMA, Need, Query, Route

_SENTENCE_END = re.compile(r"(?<=\.)\s|\n\n")
_REF = "#/components/schemas/{model}"
_ABOUT = """Callscribe's API, compatible with VoIPBIN's. Every path, event and rule of calls, flows and transcripts.

Lists come in pages, newest first: send `next_page_token` as `page_token` for the next one, until `result` is empty.
Times are UTC, `YYYY-MM-DD HH:MM:SS.ffffff`; what has not happened is `9999-01-01 00:00:00.000000`, null or absent.
An id of zeros is no id. In bodies unknown fields are ignored, and null is the same as leaving a field out.
A credential is a token of `POST /auth/login` or an access key (`vb_…`); both are taken in every slot, and where
several slots are filled the first one counts: cookie `token`, query `token`, `Authorization: Bearer`, cookie
`accesskey`, query `accesskey`."""

_SECURITY_SCHEMES: Mapping[str, object] = {
    "tokenCookie": {"type": "apiKey", "in": "cookie", "name": "token", "description": "Set by the log-in."},
    "tokenQuery": {"type": "apiKey", "in": "query", "name": "token", "description": "A token or an access key."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token or an access key."},
    "accesskeyCookie": {"type": "apiKey", "in": "cookie", "name": "accesskey"},
    "accesskeyQuery": {"type": "apiKey", "in": "query", "name": "accesskey"},
}
_NEEDS: Mapping[Need, str] = {
    Need.AGENT: "For every agent.",
    Need.MANAGER: "For admins and managers.",
    Need.ADMIN: "For admins only.",
}

ModelKey = tuple[type[BaseModel], JsonSchemaMode]
Refs = Mapping[Any, Any]
"""(model, mode) -> its reference. Any: pydantic's key is invariant and allows dataclasses too."""


class ErrorContent(BaseModel):
    """What went wrong."""

    status: str
    reason: str
    message: str
    request_id: str = Field(description="The X-Request-Id of this answer, and in our log")
    details: list[dict[str, object]] = Field(
        [], description="`field`: where the fault is; `limited_by`: ip or customer"
    )


class ErrorEnvelope(BaseModel):
    """The body of every error (contract 0.3)."""

    error: ErrorContent


def render_document(routes: Sequence[Route]) -> str:
    """Return the document as JSON text with a line for each key, so that two of them can be compared."""
    return to_json(build_document(routes), indent=1).decode() + "\n"


def build_document(routes: Sequence[Route]) -> dict[str, object]:
    """Return the document as a JSON-ready object."""
    wanted: dict[ModelKey, None] = {(ErrorEnvelope, "serialization"): None}
    for route in routes:
        if route.body is not None:
            wanted[route.body, "validation"] = None
        if route.answer is not None:
            wanted[route.answer, "serialization"] = None
    refs, definitions = models_json_schema(list(wanted), ref_template=_REF)
    schemas: dict[str, Any] = dict(sorted(definitions.get("$defs", {}).items()))
    errors = ErrorResponses(refs[ErrorEnvelope, "serialization"])
    paths: dict[str, dict[str, object]] = {}
    for route in sorted(routes, key=lambda each: each.key[1]):
        method, path = route.key
        paths.setdefault(path, {})[method.lower()] = _operation(route, refs, errors)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Callscribe", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(tag_of(route) for route in routes)],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": dict(sorted(errors.components.items())),
            "securitySchemes": dict(_SECURITY_SCHEMES),
        },
    }


def tag_of(route: Route) -> str:
    """Return under which heading a route is shown: its resource."""
    parts = route.key[1].strip("/").split("/")
    if parts[0] == "v1.0":
        return parts[1]
    return parts[0] if parts[0] == "auth" else "instance"


def _operation(route: Route, refs: Refs, errors: ErrorResponses) -> dict[str, object]:
    said = [route.text, _NEEDS.get(route.need, "") if not route.is_open else ""]
    operation: dict[str, object] = {
        "operationId": _operation_id(route),
        "tags": [tag_of(route)],
        "summary": _SENTENCE_END.split(route.text, maxsplit=1)[0].removesuffix("."),
        "description": "\n\n".join(part for part in said if part),
        "parameters": [*_path_parameters(route), *(_query_parameter(query) for query in route.query)],
    }
    if route.body is not None:
        schema = refs[route.body, "validation"]
        media: dict[str, object] = {"schema": schema}
        if (example := EXAMPLES.get(route.body.__name__)) is not None:
            media["example"] = example
        content = {"application/json": media}
        operation["requestBody"] = {"required": not is_body_optional(route.body), "content": content}
    operation["responses"] = {**_successes(route, refs), **errors.of(route)}
    operation["security"] = [] if route.is_open else [{name: []} for name in _SECURITY_SCHEMES]
    return operation


def _operation_id(route: Route) -> str:
    method, path = route.key
    words = path.removeprefix("/v1.0").replace("{", "").replace("}", "").replace("-", "_").replace(".", "_")
    prefix = "v1_" if path.startswith("/v1.0/auth/") else ""
    return f"{method.lower()}_{prefix}{words.strip('/').replace('/', '_')}"


def _path_parameters(route: Route) -> Iterable[dict[str, object]]:
    for name, pattern in route.patterns.items():
        schema = ID_SCHEMA if name == "id" else {"type": "string", "pattern": f"^{pattern}$"}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameter(query: Query) -> dict[str, object]:
    return {
        "name": query.name,
        "in": "query",
        "required": query.is_required,
        "description": query.text,
        "schema": query.schema,
    }


def _successes(route: Route, refs: Refs) -> dict[str, object]:
    if route.status == 101:
        return {"101": {"description": "The connection becomes a WebSocket."}}
    answer: dict[str, object] = {"description": "Done." if route.method != "GET" else "What was asked for."}
    if route.answer is not None:
        schema = refs[route.answer, "serialization"]
        answer["content"] = {route.media_type: {"schema": _page_of(schema) if route.is_page else schema}}
    elif route.media_type != "application/json":
        answer["content"] = {route.media_type: {"schema": {"type": "string", "contentMediaType": route.media_type}}}
    return {str(status): answer for status in (route.status, *route.more_statuses)}


def _page_of(schema: object) -> dict[str, object]:
    return {
        "type": "object",
        "required": ["result", "next_page_token"],
        "properties": {
            "result": {"type": "array", "items": schema, "maxItems": 100},
            "next_page_token": {"type": "string", "description": 'page_token of the next page; "" on an empty one'},
        },
    }
