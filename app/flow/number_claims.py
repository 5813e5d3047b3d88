"""Which versions of the flow files are in force when several of them want the same number: pure, no I/O."""

from collections.abc import Mapping

from app.domain.flow import Flow


def settle_claims(
    newest: Mapping[str, Flow | None], before: Mapping[str, Flow]
) -> tuple[dict[str, Flow], list[tuple[str, str, str]]]:
    """Return the flows in force by file name, and (refused file, number, the file that has it) for every clash.

    `newest` holds every file's newest good version (None where it has none), `before` what was in force. Of several
    files that want one number the one that had it keeps it, else the first by name; the others fall back to the
    version that was in force, or to nothing. Every round takes back at least one file, so this ends.
    """
    chosen = {name: flow for name, flow in sorted(newest.items()) if flow is not None}
    refused: list[tuple[str, str, str]] = []
    while (clash := _find_clash(chosen)) is not None:
        number, names = clash
        keeper = next((name for name in names if name in before and number in before[name].numbers), names[0])
        for name in names:
            if name == keeper:
                continue
            refused.append((name, number, keeper))
            former = before.get(name)
            if former is None or former is chosen[name]:
                del chosen[name]
            else:
                chosen[name] = former
    return chosen, refused


def _find_clash(flows: Mapping[str, Flow]) -> tuple[str, list[str]] | None:
    owners: dict[str, list[str]] = {}
    for name, flow in flows.items():
        for number in flow.numbers:
            owners.setdefault(number, []).append(name)
    return next(((number, names) for number, names in owners.items() if len(names) > 1), None)
