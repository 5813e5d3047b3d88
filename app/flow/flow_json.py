"""Reads the JSON of a flow file: UTF-8, no key twice in one object, no NaN."""

import json

from app.flow.finding import Finding, name_value

MAX_FILE_BYTES = 1024 * 1024


def read_json(content: bytes) -> tuple[object, list[Finding]]:
    """Return the JSON value and what is wrong with the text; the value is None when it cannot be read at all."""
    if len(content) > MAX_FILE_BYTES:
        return None, [Finding("$", f"{len(content)} bytes", f"at most {MAX_FILE_BYTES} bytes")]
    repeated: list[Finding] = []

    def build_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
        result: dict[str, object] = {}
        for key, value in pairs:
            if key in result:
                repeated.append(
                    Finding("$", f"the key {name_value(key)} twice in one object", "every key once in an object")
                )
            result[key] = value
        return result

    def refuse_constant(text: str) -> object:
        raise ValueError(text)

    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return None, [Finding("$", "a byte that is not UTF-8", f"UTF-8; it breaks off at byte {error.start}")]
    try:
        return json.loads(text, object_pairs_hook=build_object, parse_constant=refuse_constant), repeated
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        return None, [Finding("$", "a text that is not JSON", f"JSON; it breaks off at {where} ({error.msg})")]
    except ValueError as error:
        return None, [Finding("$", str(error)[:60], "numbers that JSON has")]
    except RecursionError:
        return None, [Finding("$", "objects nested too deeply", "a flow")]
