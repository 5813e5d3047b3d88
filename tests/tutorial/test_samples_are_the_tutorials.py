"""The samples are the tutorial's, and the example programs hold the tutorial's code as it stands."""

import difflib
import json
from pathlib import Path

import pytest

from tests.speech_files import SHARED
from tests.tutorial.samples import CUSTOMER, SAMPLES, read_sample

TUTORIAL = SHARED / "tutorial.txt"
EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.name for path in SAMPLES.iterdir())
USE_CASES = [name for name in NAMES if name.endswith(".py.txt") and int(name[:2]) >= 15]


def lines_of(text: str) -> list[str]:
    """Lines without their indentation, which the tutorial's text has lost, and without empty ones."""
    return [line.strip().replace("  # ", " # ") for line in text.splitlines() if line.strip()]


@pytest.mark.skipif(not TUTORIAL.is_file(), reason=f"the tutorial is not in {TUTORIAL}")
def test_every_sample_stands_in_the_tutorial_in_this_order() -> None:
    tutorial = [line.removeprefix("$ ") for line in lines_of(TUTORIAL.read_text(encoding="utf-8"))]
    end = 0
    for name in sorted(NAMES, key=lambda name: (name[:2], "reply" in name)):
        wanted = lines_of(read_sample(name))
        end = next(
            (
                at + len(wanted)
                for at in range(end, len(tutorial) - len(wanted) + 1)
                if tutorial[at : at + len(wanted)] == wanted
            ),
            0,
        )
        assert end, f"{name} is not in the tutorial after the sample before it"


@pytest.mark.skipif(not TUTORIAL.is_file(), reason=f"the tutorial is not in {TUTORIAL}")
def test_no_sample_of_the_tutorial_is_missing() -> None:
    tutorial = TUTORIAL.read_text(encoding="utf-8")
    assert tutorial.count("$ curl ") == len([name for name in NAMES if name.endswith(".sh")])
    assert tutorial.count("\ndef ") == sum(read_sample(name).count("\ndef ") for name in NAMES)
    assert tutorial.count("\n{\n") == sum(("\n" + read_sample(name)).count("\n{\n") for name in NAMES)


@pytest.mark.parametrize("name", USE_CASES)
def test_a_use_case_holds_the_tutorials_function(name: str) -> None:
    program = EXAMPLES / name[3:].removesuffix(".txt")
    assert read_sample(name) in program.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("sample", "program", "changed"),
    [
        ("10_websocket_program.py.txt", "tutorial_websocket.py", (CUSTOMER, "token", "ws_url")),
        ("13_webhook_program.py.txt", "tutorial_webhook.py", ()),
    ],
)
def test_the_tutorials_programs_differ_in_host_token_and_ids_only(
    sample: str, program: str, changed: tuple[str, ...]
) -> None:
    ours = (EXAMPLES / program).read_text(encoding="utf-8").splitlines()
    begin = next(place for place, line in enumerate(ours) if line == read_sample(sample).splitlines()[0])
    for line in difflib.ndiff(read_sample(sample).splitlines(), ours[begin:]):
        if line.startswith("- "):
            assert any(word in line for word in changed), line


def test_samples_of_json_are_json() -> None:
    for name in NAMES:
        if name.endswith(".json"):
            json.loads(read_sample(name))
