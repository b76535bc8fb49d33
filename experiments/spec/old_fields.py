"""Names and places that fields had before: refused with the new one, and read as it.

Read as the new one, so that the rest of an old file is checked in the same pass.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from equigrid.experiments.spec.findings import Document, Finding, Loc, shown

_RENAMED = {"hours": "steps", "stages": "timetable"}
_CASE = ("name", "ac", "set")


def modernised(document: Document, spec_type: type[BaseModel]) -> Document:
    """Return a document with today's names, and a finding for each that was another.

    Parameters
    ----------
    document : Document
    spec_type : type
        Whose fields are today's.
    """
    data, lines = dict(document.data), dict(document.lines)
    findings = list(document.findings)
    fields = spec_type.model_fields
    for old, new in _RENAMED.items():
        if old in data and old not in fields and new in fields:
            findings.append(document.finding((old,), f"'{old}' is called '{new}' now; rename it"))
            data.setdefault(new, data.pop(old))
            data.pop(old, None)
            lines |= _moved(lines, (old,), (new,))
    cases = data.get("cases")
    if isinstance(cases, list):
        told = [_case(document, k, case, set(fields)) for k, case in enumerate(cases)]
        data["cases"] = [case for case, _ in told]
        for k, (_, moved) in enumerate(told):
            findings += [finding for _, finding in moved]
            for name, _ in moved:
                lines |= _moved(lines, ("cases", k, name), ("cases", k, "set", name))
    return replace(document, data=data, lines=lines, findings=tuple(findings))


def _case(
    document: Document, k: int, case: Any, fields: set[str]
) -> tuple[Any, list[tuple[str, Finding]]]:
    """Return a case with what it sets under `set`, and a finding for each that stood beside."""
    known = isinstance(case, dict) and isinstance(case.get("set", {}), dict)
    old = [name for name in case if name in fields and name not in _CASE] if known else []
    if not old:
        return case, []
    kept = {name: value for name, value in case.items() if name not in old}
    kept["set"] = {**{name: case[name] for name in old}, **case.get("set", {})}
    return kept, [(name, _under_set(document, k, name, case[name])) for name in old]


def _under_set(document: Document, k: int, name: str, value: Any) -> Finding:
    said = f"set: {{{name}: {shown(value) if not isinstance(value, list | dict) else '…'}}}"
    return document.finding(("cases", k, name), f"'{name}' stands under set now; write {said}")


def _moved(lines: dict[Loc, int], old: Loc, new: Loc) -> dict[Loc, int]:
    return dict(_below(lines, old, new))


def _below(lines: dict[Loc, int], old: Loc, new: Loc) -> Iterator[tuple[Loc, int]]:
    for loc, line in lines.items():
        if loc[: len(old)] == old:
            yield (*new, *loc[len(old) :]), line
