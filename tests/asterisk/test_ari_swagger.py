"""Every operation and event that app.ari knows, against the Swagger files of the installed Asterisk."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from app.ari import models
from app.ari.events import KnownEvent
from app.ari.operation import OPERATIONS, Operation

pytestmark = pytest.mark.asterisk

Json = dict[str, Any]


@pytest.fixture(scope="module")
def swagger(asterisk_root: Path) -> dict[str, Json]:
    files = (asterisk_root / "usr/share/asterisk/rest-api").glob("*.json")
    return {path.stem: json.loads(path.read_text()) for path in files}


def find_operation(swagger: dict[str, Json], operation: Operation) -> Json:
    for file in swagger.values():
        for api in file.get("apis", ()):
            if api["path"] == operation.template:
                for offered in api["operations"]:
                    if offered["httpMethod"] == operation.method:
                        return dict(offered)
    raise AssertionError(f"Asterisk has no {operation.method} {operation.template}")


def find_model(swagger: dict[str, Json], name: str) -> Json:
    """Return a model's properties, with those of the models that list it among their subTypes."""
    properties: Json = {}
    for file in swagger.values():
        found = file.get("models", {})
        if name in found:
            properties |= found[name]["properties"]
        for parent, model in found.items():
            if name in model.get("subTypes", ()):
                properties |= find_model(swagger, parent)
    return properties


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda it: f"{it.method} {it.template}")
def test_asterisk_has_the_operation_with_these_parameters(swagger: dict[str, Json], operation: Operation) -> None:
    parameters = find_operation(swagger, operation).get("parameters", ())
    by_kind = {kind: {it["name"] for it in parameters if it["paramType"] == kind} for kind in ("path", "query", "body")}
    assert set(re.findall(r"{(\w+)}", operation.template)) == by_kind["path"]
    assert operation.query <= by_kind["query"]
    assert operation.body in by_kind["body"] | {""}
    required = {it["name"] for it in parameters if it["paramType"] == "query" and it.get("required")}
    assert required <= operation.query


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(event, event.__name__) for event in get_args(KnownEvent)]
    + [
        (models.Channel, "Channel"),
        (models.Party, "CallerID"),
        (models.Dialplan, "DialplanCEP"),
        (models.Bridge, "Bridge"),
        (models.PlaybackState, "Playback"),
        (models.LiveRecording, "LiveRecording"),
        (models.Endpoint, "Endpoint"),
        (models.ContactInfo, "ContactInfo"),
        (models.ConfigField, "ConfigTuple"),
        (models.RestResponse, "RESTResponse"),
    ],
    ids=lambda it: it if isinstance(it, str) else "",
)
def test_asterisk_sends_the_fields_that_we_read(swagger: dict[str, Json], ours: type[BaseModel], theirs: str) -> None:
    properties = find_model(swagger, theirs)
    assert properties, f"Asterisk has no model {theirs}"
    assert set(ours.model_fields) <= properties.keys() | {"timestamp", "type"}
    must_be_there = {name for name, field in ours.model_fields.items() if field.is_required()}
    assert must_be_there <= {name for name, it in properties.items() if it.get("required") or name == "type"}
