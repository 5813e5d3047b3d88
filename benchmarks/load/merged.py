"""Several reports as one: a quick run, a full one, a soak, an overload."""

from typing import Any


def merge_reports(reports: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the first one with what it lacks from the later ones. ValueError for none.

    An engine is taken whole from the first report that searched its limit, what lasts and the other loads by kind and
    language from the first that has them. The naive way with calls beside it is computed by the report it is in.
    """
    if not reports:
        raise ValueError("no report to merge: expected one at least")
    merged: dict[str, Any] = {
        "at": reports[0]["at"],
        "summary": {
            "machine": reports[0]["summary"]["machine"],
            "setup_100": next((s for each in reports if (s := each["summary"].get("setup_100"))), None),
        },
        "naive": next((found for each in reports if (found := each.get("naive"))), []),
        "naive_beside_calls_computed": {},
        "engines": {},
        "lasting": {},
        "loads": [],
        "series": [],
    }
    seen: set[tuple[str, str]] = set()
    for report in reports:
        for name, engine in report.get("engines", {}).items():
            if not (merged["engines"].get(name) or {}).get("trials"):
                merged["engines"][name] = engine
        for name, calls in report.get("naive_beside_calls_computed", {}).items():
            merged["naive_beside_calls_computed"].setdefault(name, calls)
        for kind, engines in report.get("lasting", {}).items():
            merged["lasting"][kind] = engines | merged["lasting"].get(kind, {})
        new = {(load["name"], load["language"]) for load in report.get("loads", [])} - seen
        merged["loads"] += [load for load in report["loads"] if (load["name"], load["language"]) in new]
        merged["series"] += [row for row in report["series"] if (row.get("kind"), row.get("language")) in new]
        seen |= new
    return merged
