"""The folder of flow files, read as a whole: what is in it now."""

from pathlib import Path

from app.errors import CallscribeError

SCHEMA_NAME = "flow.schema.json"


class FlowFolderMissing(CallscribeError):
    """The folder of flow files is not there or cannot be read."""

    code = "FLOW_FOLDER"


def is_flow_file(path: Path) -> bool:
    """Tell whether a path is a flow file by its name: `*.json`, not hidden, not a JSON Schema."""
    return path.suffix == ".json" and not path.name.startswith(".") and not path.name.endswith(".schema.json")


def read_flow_folder(folder: Path) -> dict[str, bytes | OSError]:
    """Return the content of every flow file by its name key (the name without `.json`).

    An OSError in place of the content says why a file cannot be read; a file that vanishes meanwhile is left out.
    FlowFolderMissing when the folder itself cannot be read.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if is_flow_file(path))
    except OSError as error:
        raise FlowFolderMissing(
            f"{folder}: {error.strerror}; expected a folder of flow files", path=str(folder)
        ) from error
    contents: dict[str, bytes | OSError] = {}
    for path in paths:
        try:
            contents[path.stem] = path.read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            contents[path.stem] = error
    return contents
