import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from app.domain.flow import Flow
from app.flow.flow_folder import FlowFolderMissing
from app.flow.flow_ids import to_flow_id
from app.flow.library import FlowLibrary, open_flow_library
from app.flow.number_claims import settle_claims
from tests.unit.flow.doubles import REGISTRY


def write(folder: Path, name: str, *numbers: str, text: str = "hello") -> Path:
    path = folder / f"{name}.json"
    actions = [{"type": "talk", "option": {"text": text}}]
    path.write_text(json.dumps({"language": "en-US", "numbers": list(numbers), "actions": actions}))
    return path


def said(library: FlowLibrary, number: str) -> object:
    flow = library.find(number)
    return flow.actions[0].option["text"] if flow else None


@asynccontextmanager
async def follow(folder: Path) -> AsyncIterator[FlowLibrary]:
    async with open_flow_library(folder, REGISTRY, grace_seconds=0.05, rescan_ms=100) as library:
        yield library


async def until(library: FlowLibrary, is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_so():
            await library.wait_change()


async def test_flows_are_found_by_number(tmp_path: Path) -> None:
    write(tmp_path, "one", "7001", "+15551234567", text="one")
    write(tmp_path, "two", "alice", text="two")
    (tmp_path / "flow.schema.json").write_text("{}")
    (tmp_path / ".hidden.json").write_text("broken")
    (tmp_path / "notes.txt").write_text("broken")
    library = FlowLibrary(tmp_path, REGISTRY)
    await library.load()
    assert library.findings == ()
    assert [flow.name_key for flow in library.flows] == ["one", "two"]
    assert (said(library, "7001"), said(library, "+15551234567"), said(library, "alice")) == ("one", "one", "two")
    assert [library.find(each) for each in ("7002", "15551234567", "Alice", "", "*")] == [None] * 5
    flow = library.find_by_id(to_flow_id("one"))
    assert flow is not None
    assert flow.name_key == "one"
    assert library.find_by_id("nothing") is None


async def test_the_star_answers_what_no_other_flow_answers(tmp_path: Path) -> None:
    write(tmp_path, "all", "*", text="all")
    write(tmp_path, "one", "7001", text="one")
    library = FlowLibrary(tmp_path, REGISTRY)
    await library.load()
    assert (said(library, "7001"), said(library, "7002"), said(library, "anyone")) == ("one", "all", "all")


async def test_an_edit_counts_and_a_broken_one_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "one", "7001", text="first")
    async with follow(tmp_path) as library:
        before = library.find("7001")
        write(tmp_path, "one", "7001", text="second")
        await until(library, lambda: said(library, "7001") == "second")
        assert before is not None
        assert before.actions[0].option["text"] == "first", "a running call keeps its flow"
        with capture_logs() as logs:
            (tmp_path / "one.json").write_text('{"numbers": ["7001"], "actions": [{"type": "tlak"}]}')
            await until(library, lambda: len(library.findings) == 1)
        assert said(library, "7001") == "second"
        errors = [each for each in logs if each["log_level"] == "error"]
        assert len(errors) == 1
        assert errors[0]["file"] == str(tmp_path / "one.json")
        assert errors[0]["path"] == "$.actions[0].type"
        assert 'did you mean "talk"' in errors[0]["expected"]
        write(tmp_path, "one", "7001", text="third")
        await until(library, lambda: library.findings == ())
        assert said(library, "7001") == "third"


async def test_files_come_and_go(tmp_path: Path) -> None:
    path = write(tmp_path, "one", "7001")
    async with follow(tmp_path) as library:
        write(tmp_path, "two", "7002")
        await until(library, lambda: library.find("7002") is not None)
        path.unlink()
        await until(library, lambda: library.find("7001") is None)
        assert [flow.name_key for flow in library.flows] == ["two"]


async def test_a_broken_file_that_is_deleted_takes_its_flow_along(tmp_path: Path) -> None:
    path = write(tmp_path, "one", "7001")
    async with follow(tmp_path) as library:
        path.write_text("broken")
        await until(library, lambda: len(library.findings) == 1)
        assert library.find("7001") is not None
        path.unlink()
        await until(library, lambda: library.find("7001") is None)
        assert library.findings == ()


async def test_saving_by_renaming_never_loses_the_flow(tmp_path: Path) -> None:
    path = write(tmp_path, "one", "7001", text="first")
    library = FlowLibrary(tmp_path, REGISTRY)
    await library.load()
    backup = path.rename(tmp_path / "one.json~")
    assert await library.load(is_missing_kept=True) == {"one"}
    assert said(library, "7001") == "first"
    write(tmp_path, "new", "7009", text="second").rename(path)
    assert await library.load() == frozenset()
    assert library.find("7001") is None
    assert said(library, "7009") == "second"
    backup.unlink()


async def test_an_atomic_rename_is_followed(tmp_path: Path) -> None:
    write(tmp_path, "one", "7001", text="first")
    async with follow(tmp_path) as library:
        write(tmp_path, ".one", "7001", text="second").rename(tmp_path / "one.json")
        await until(library, lambda: said(library, "7001") == "second")
        assert library.findings == ()


async def test_a_number_in_two_files_stays_with_the_flow_that_had_it(tmp_path: Path) -> None:
    write(tmp_path, "zoe", "7001", text="zoe")
    async with follow(tmp_path) as library:
        with capture_logs() as logs:
            write(tmp_path, "amy", "7003", "7001", text="amy")
            await until(library, lambda: len(library.findings) == 1)
        assert said(library, "7001") == "zoe"
        assert said(library, "7003") is None, "a refused file does not count in part"
        finding = library.findings[0]
        assert finding.file == str(tmp_path / "amy.json")
        assert finding.path == "$.numbers[1]"
        assert str(tmp_path / "zoe.json") in finding.expected
        assert [each["expected"] for each in logs if each["log_level"] == "error"] == [finding.expected]
        assert "7001" not in str(logs)
        (tmp_path / "zoe.json").unlink()
        await until(library, lambda: said(library, "7001") == "amy")
        assert library.findings == ()


async def test_an_edit_that_takes_anothers_number_is_refused_as_a_whole(tmp_path: Path) -> None:
    write(tmp_path, "amy", "7001", text="amy")
    write(tmp_path, "zoe", "7002", text="zoe")
    library = FlowLibrary(tmp_path, REGISTRY)
    await library.load()
    write(tmp_path, "amy", "7002", text="amy again")
    await library.load()
    assert (said(library, "7001"), said(library, "7002")) == ("amy", "zoe")
    write(tmp_path, "zoe", "7001", text="zoe again")  # together the two edits are a swap
    await library.load()
    assert (said(library, "7001"), said(library, "7002")) == ("zoe again", "amy again")
    assert library.findings == ()


async def test_at_the_start_the_first_file_by_name_has_a_number_of_two(tmp_path: Path) -> None:
    write(tmp_path, "zoe", "7001", text="zoe")
    write(tmp_path, "amy", "7001", text="amy")
    library = FlowLibrary(tmp_path, REGISTRY)
    await library.load()
    assert said(library, "7001") == "amy"
    assert [each.file for each in library.findings] == [str(tmp_path / "zoe.json")]


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FlowFolderMissing, match="expected a folder of flow files"):
        async with open_flow_library(tmp_path / "none", REGISTRY):
            pass


async def test_a_folder_that_goes_away_leaves_the_flows(tmp_path: Path) -> None:
    folder = tmp_path / "flows"
    folder.mkdir()
    write(folder, "one", "7001", text="first")
    library = FlowLibrary(folder, REGISTRY)
    await library.load()
    folder.rename(tmp_path / "away")
    with pytest.raises(FlowFolderMissing):
        await library.load(is_missing_kept=True)
    assert said(library, "7001") == "first"


async def test_a_folder_that_is_replaced_is_followed(tmp_path: Path) -> None:
    folder = tmp_path / "flows"
    folder.mkdir()
    write(folder, "one", "7001", text="first")
    async with follow(folder) as library:
        folder.rename(tmp_path / "away")
        folder.mkdir()
        write(folder, "one", "7001", text="second")
        await until(library, lambda: said(library, "7001") == "second")


async def test_an_unreadable_file_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "one.json").mkdir()
    library = FlowLibrary(tmp_path, REGISTRY)
    await library.load()
    assert [each.expected for each in library.findings] == ["a readable file"]


async def test_nothing_is_left_after_the_end(tmp_path: Path) -> None:
    async with follow(tmp_path):
        pass
    assert asyncio.all_tasks() == {asyncio.current_task()}


def make_flow(name: str, numbers: tuple[str, ...]) -> Flow:
    return Flow(id=name, name_key=name, name=name, actions=(), numbers=numbers)


numbers = st.lists(st.sampled_from("1234"), unique=True, max_size=3).map(tuple)
folders = st.dictionaries(st.sampled_from("abcd"), numbers).map(
    lambda all_: {k: make_flow(k, v) for k, v in all_.items()}
)


@settings(deadline=None)
@given(st.lists(folders, max_size=5))
def test_no_number_ever_has_two_flows_and_no_owner_loses_one(rounds: list[dict[str, Flow]]) -> None:
    before: dict[str, Flow] = {}
    for newest in rounds:
        after, refused = settle_claims(newest, before)
        owned = [number for flow in after.values() for number in flow.numbers]
        assert len(owned) == len(set(owned))
        assert set(after) <= set(newest)
        for name, flow in newest.items():
            if after.get(name) != flow:
                assert name in {each[0] for each in refused}
                assert after.get(name) in {before.get(name), None}
            if name in before:
                assert name in after, "a file that was in force stays in force"
        before = after
