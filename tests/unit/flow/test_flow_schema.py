import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.flow.action import ActionSpec
from app.flow.action_docs import render_action_docs
from app.flow.finding import Finding
from app.flow.flow_check import check_files
from app.flow.flow_folder import SCHEMA_NAME
from app.flow.option_types import list_targets
from app.flow.schema import make_flow_schema, render_flow_schema
from tests.unit.flow.doubles import REGISTRY, check

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads(json.dumps(make_flow_schema(REGISTRY)))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def test_the_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_the_committed_schema_is_current() -> None:
    committed = (ROOT / "flows" / SCHEMA_NAME).read_text(encoding="utf-8")
    assert committed == render_flow_schema(REGISTRY), "run: callscribe flows schema --write"


def test_the_page_about_actions_is_current() -> None:
    committed = (ROOT / "docs" / "actions.md").read_text(encoding="utf-8")
    assert committed == render_action_docs(REGISTRY), "run: callscribe flows docs --write"


def test_the_page_says_all_options() -> None:
    page = render_action_docs(REGISTRY)
    assert '| `direction` | `"in"`, `"out"`, `"both"` | `"both"` |' in page
    assert "| `async` | true or false | `false` |" in page
    assert "| `stream_urls` | list of at least 1: text | required |" in page
    assert "| `duration` | whole number, 0 to 86400000 | required |" in page
    assert "| `hint_threshold` | number, 0.3 to 1 | `0.75` |" in page
    assert "| `destinations` | list of 1 to 50: [address](#addresses) | required |" in page
    assert "| `actions` | list of at most 1000 actions |" in page
    assert "| None |" not in page


@pytest.mark.parametrize("spec", list(REGISTRY), ids=lambda spec: spec.name)
def test_every_section_is_whole(spec: ActionSpec) -> None:
    page = render_action_docs(REGISTRY)
    section = page.partition(f"\n## {spec.name}\n")[2].partition("\n## ")[0]
    keys = [field.alias or name for name, field in spec.options.model_fields.items()]
    assert [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")][: len(keys)] == keys
    example = json.loads(section.partition("```json\n")[2].partition("\n```")[0])
    assert check_example(example, spec) == ()
    if any(field.is_required() for field in spec.options.model_fields.values()):
        assert example["option"], "an example that shows something"
    errors = section.partition("Errors:\n\n")[2]
    assert "It fails when" in errors or "It cannot fail" in errors
    assert spec.fails, "say when it fails, or NEVER"


def test_times_say_their_unit() -> None:
    """Whole numbers with a name that speaks of time have their unit in words, and bounds."""
    times = re.compile("duration|timeout|interval|silence|max_length")
    for spec in REGISTRY:
        properties = spec.options.model_json_schema().get("properties", {})
        for key, part in properties.items():
            if times.search(key):
                assert re.search("second", part["description"], re.IGNORECASE), (spec.name, key)
                bounded = [part, *part.get("anyOf", [])]
                assert any("maximum" in each and "minimum" in each for each in bounded), (spec.name, key)


def test_our_flows_are_right() -> None:
    report = check_files([ROOT / "flows"], REGISTRY)
    assert report.findings == ()
    assert {path.stem for path in report.good} >= {"demo", "quality-assurance", "korean"}
    for path in report.good:
        VALIDATOR.validate(json.loads(path.read_text(encoding="utf-8")))


def check_example(entry: dict[str, Any], spec: ActionSpec) -> tuple[Finding, ...]:
    targets = {"menu", *(target for _, target in list_targets(spec.options, spec.example))}
    others = [{"id": name, "type": "beep"} for name in sorted(targets)]
    content = {"language": "en-US", "actions": [entry, *others]}
    VALIDATOR.validate(content)
    return check(content).errors


@pytest.mark.parametrize(
    "entry",
    [
        {"type": "no_such"},
        {"type": "dance"},
        {"type": "talk"},
        {"type": "talk", "option": {"text": "x", "langauge": "en-US"}},
        {"type": "talk", "option": {"text": "x"}, "extra": 1},
        {"type": "sleep", "option": {"duration": "30"}},
        {"type": "sleep", "option": {"duration": -1}},
        {"type": "transcribe_start", "option": {"direction": "inn"}},
        {"type": "play", "option": {"stream_urls": ["ftp://a/b"]}},
        {"type": "play", "option": {"stream_urls": "${x}"}},
        {"type": "answer", "option": {"x": 1}},
    ],
)
def test_editors_see_what_the_check_refuses(entry: dict[str, object]) -> None:
    content = {"language": "en-US", "actions": [entry]}
    assert check(content).flow is None
    assert not VALIDATOR.is_valid(content)


keys = sorted({field.alias or name for spec in REGISTRY for name, field in spec.options.model_fields.items()})
value: st.SearchStrategy[object] = st.sampled_from(
    ["${x}", "a", "", "in", "next", "en-us", "http://a/b", 0, 5, 200, -1, True, None, 1.5, ["http://a/b"], [], {}]
)
entry = st.fixed_dictionaries(
    {"type": st.sampled_from(REGISTRY.types), "option": st.dictionaries(st.sampled_from(keys), value, max_size=3)},
    optional={"id": st.sampled_from(["a", "", None]), "next_id": st.sampled_from(["a", "${x}"])},
)


@settings(max_examples=300, deadline=None)
@given(st.lists(entry, max_size=2), st.sampled_from(["en-US", "", " en", 7]))
def test_the_schema_accepts_what_the_check_accepts(actions: list[object], language: object) -> None:
    content = {"language": language, "actions": actions}
    if check(content).flow is not None:
        VALIDATOR.validate(content)
