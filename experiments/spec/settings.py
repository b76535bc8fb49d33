"""Fields set from elsewhere: by a case, or on the command line, each by its dotted path."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from equigrid.experiments.spec.explained import Models, fields_of, kinds_of, models_in
from equigrid.experiments.spec.findings import (
    Document,
    Finding,
    Loc,
    UnusableInput,
    dotted,
    suggestion,
)

NOT_FOR_CASES = (
    "study", "system", "currency", "seed", "steps", "step_minutes", "start", "cases",
)  # fmt: skip
NOT_FOR_COMMANDS = ("system", "cases")


class Nowhere(Exception):
    """A dotted path that leads nowhere; its text says why."""


@dataclass(frozen=True)
class Setting:
    """A field that is set.

    Attributes
    ----------
    loc : tuple
        Of the field that is set.
    place : tuple
        Where in the document that is said.
    """

    loc: Loc
    place: Loc


def with_set(
    document: Document, values: Mapping[str, Any], spec_type: type[BaseModel] | None = None
) -> Document:
    """Return a document with some fields set, as ``--set path=value`` does.

    Parameters
    ----------
    document : Document
    values : mapping
        By dotted path, such as ``lots.lot1.energy_mwh``.
    spec_type : type, optional
        The spec of the study's system, by which fields that the file leaves out are known. Without
        it what a path names need not be there, and is looked at when the study is read.

    Raises
    ------
    UnusableInput
        With every path that leads nowhere.
    """
    findings = []
    for path, value in values.items():
        try:
            document, _ = set_value(document, path, value, spec_type, NOT_FOR_COMMANDS)
        except Nowhere as error:
            line = document.line(nearest_loc(document.data, path)[0])
            findings.append(Finding(document.file, line, path, f"cannot be set: {error}"))
    if findings:
        raise UnusableInput(findings)
    return document


def set_value(
    document: Document,
    path: str,
    value: Any,
    spec_type: type[BaseModel] | None,
    refused: Sequence[str],
) -> tuple[Document, Loc]:
    """Return a document with one field set, and the place of that field.

    Parameters
    ----------
    document : Document
    path, value : str, object
    spec_type : type or None
    refused : sequence of str
        Fields of the study that may not be set.

    Raises
    ------
    Nowhere
        When the path names no field, or one that may not be set.
    """
    first = path.split(".", maxsplit=1)[0]
    if first in refused:
        raise Nowhere(f"'{first}' holds for the whole study and cannot be set here")
    data = copy.deepcopy(document.data)
    loc = _opened(data, path, () if spec_type is None else (spec_type,))
    inner: Any = data
    for step in loc[:-1]:
        inner = inner[step]
    inner[loc[-1]] = copy.deepcopy(value)
    return replace(document, data=data), loc


def _opened(data: Any, path: str, models: Models) -> Loc:
    """Return the place of a path; mappings on the way that are left out are put in."""
    loc: Loc = ()
    steps = path.split(".")
    for number, step in enumerate(steps):
        last = number == len(steps) - 1
        key, inner_models = _step(data, step, models, dotted(loc), last=last)
        loc = (*loc, key)
        if last:
            break
        if isinstance(data, dict) and data.get(str(key)) is None:
            data[str(key)] = _default(models, str(key), inner_models, dotted(loc))
        data, models = data[key], inner_models
        if not isinstance(data, dict | list):
            raise Nowhere(f"{dotted(loc)} has nothing below it")
    return loc


def _step(
    data: Any, step: str, models: Models, where: str, *, last: bool
) -> tuple[str | int, Models]:
    if isinstance(data, list):
        return _item(data, step, where), models
    fields = fields_of(_fitting(models, data))
    if step in fields:
        return step, tuple(models_in(fields[step]))
    free = not fields and (last or not models)
    if not (step in data or free):
        known = [str(name) for name in fields] or list(data)
        near = suggestion(step, known) or f"; there is: {', '.join(known) or 'nothing'}"
        raise Nowhere(f"{where or 'the study'} has no field {step!r}{near}")
    return step, ()


def _item(items: list[Any], step: str, where: str) -> int:
    """Return the position of a list's item, named or, where no item has a name, numbered from 1."""
    names = [str(item["name"]) for item in items if isinstance(item, dict) and "name" in item]
    if names:
        if step in names:
            return next(k for k, i in enumerate(items) if isinstance(i, dict) and _is(i, step))
        near = suggestion(step, names) or f"; there is: {', '.join(names)}"
        raise Nowhere(f"{where} has no item of the name {step!r}{near}")
    if not (step.isascii() and step.isdigit() and 1 <= int(step) <= len(items)):
        raise Nowhere(f"{where} has items 1 to {len(items)}, which have no names; not {step!r}")
    return int(step) - 1


def _is(item: Mapping[str, Any], name: str) -> bool:
    return str(item.get("name")) == name


def _fitting(models: Models, data: Mapping[str, Any]) -> Models:
    """Return the models of a union that data of their kind may be."""
    chosen = tuple(m for m in models if len(models) > 1 and data.get("kind") in kinds_of(m))
    return chosen or models


def _default(models: Models, name: str, inside: Models, where: str) -> Any:
    """Return the mapping that a file leaves out."""
    fields = {f.alias or k: f for model in models for k, f in model.model_fields.items()}
    field = fields.get(name)
    default: Any = {} if field is None else field.get_default(call_default_factory=True)
    if isinstance(default, BaseModel):
        return default.model_dump(mode="json")
    if not (inside or isinstance(default, dict)):
        raise Nowhere(f"{where} has nothing below it")
    return {}


def nearest_loc(data: Any, path: str) -> tuple[Loc, tuple[str, ...]]:
    """Return the place of as much of a path as the data have, and the steps that are left.

    Parameters
    ----------
    data : nested mappings and lists
    path : str
        Such as ``lots.lot1.energy_mwh`` or ``lots[0].energy_mwh``.
    """
    loc: Loc = ()
    steps = tuple(path.replace("[", ".").replace("]", "").split("."))
    for number, step in enumerate(steps):
        keys: Iterable[str | int] = ()
        if isinstance(data, dict):
            keys = [step] if step in data else []
        elif isinstance(data, list):
            named = [k for k, i in enumerate(data) if isinstance(i, dict) and _is(i, step)]
            counted = [int(step)] if step.isdigit() and int(step) < len(data) else []
            keys = named or counted
        key = next(iter(keys), None)
        if key is None:
            return loc, steps[number:]
        loc, data = (*loc, key), data[key]
    return loc, ()
