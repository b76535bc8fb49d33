"""What is wrong with a file, in words a user can act on."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from equigrid.errors import EquigridError, nearest

Loc = tuple[str | int, ...]  # a place in nested data: ("agents", 2, "name")
Models = tuple[type[BaseModel], ...]

# A number as a file writes it; 0777 is none, since YAML 1.1 and 1.2 differ on it.
NUMBER = re.compile(
    r"[-+]?(?:0|[1-9][0-9]*)"
    r"|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*|(?=[eE])))(?:[eE][-+]?[0-9]+)?"
)
_LONGEST, _MOST_LINES = 60, 200

_WORDS = {
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "finite_number": "must be finite",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "too_short": "must have at least {min_length} values, has {actual_length}",
    "too_long": "must have at most {max_length} values, has {actual_length}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match '{pattern}'",
    "value_error": "{error}",
    "assertion_error": "{error}",
}


@dataclass(frozen=True)
class Finding:
    """One problem of one file.

    Parameters
    ----------
    file, line
        Name of the file as the user gave it; line from 1 (also for the file as a whole).
    path
        Place in the data, like ``agents[2].battery.energy_max_mwh``; empty for the whole.
    message, got
        What is wrong and what to change; the guilty value as text, if it helps.
    """

    file: str
    line: int
    path: str
    message: str
    got: str | None = None

    def __str__(self) -> str:
        place = f"{self.path}: " if self.path else ""
        got = "" if self.got is None else f" (got {_short(self.got)})"
        text = f"{self.file}:{self.line}: {place}{self.message}{got}"
        return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class UnusableInput(EquigridError, ValueError):
    """Input that cannot be used; `findings` has all the reasons, by line, then path."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(sorted(findings, key=_order))
        lines = [str(finding) for finding in self.findings[:_MOST_LINES]]
        if len(self.findings) > _MOST_LINES:
            lines.append(f"… and {len(self.findings) - _MOST_LINES} more")
        super().__init__("\n".join(lines))


@dataclass(frozen=True)
class Document:
    """What a file says and on which line.

    Parameters
    ----------
    file, data, lines
        Name of the file as the user gave it; what it says; the line of each place.
    findings
        Problems that left the rest readable; `validated` tells them with its own.
    """

    file: str
    data: dict[str, Any]
    lines: Mapping[Loc, int] = field(default_factory=dict, repr=False)
    findings: tuple[Finding, ...] = ()

    def line(self, loc: Loc) -> int:
        """Return the line of a place, or of the nearest place around it that exists."""
        while loc and loc not in self.lines:
            loc = loc[:-1]
        return self.lines.get(loc, 1)

    def finding(self, loc: Loc, message: str, got: object = None) -> Finding:
        """Say `message` about the place `loc`; `got` is the guilty value, None to omit it."""
        text = None if got is None else shown(got)
        return Finding(self.file, self.line(loc), dotted(loc), message, text)

    def find(self, *pattern: str) -> Iterator[tuple[Loc, str | float]]:
        """Yield the texts and numbers at the places that match, whatever else is wrong.

        ``find("agents", "*", "name")`` looks into every item of the list ``agents``.
        """
        places: list[tuple[Loc, Any]] = [((), self.data)]
        for step in pattern:
            places = [inner for loc, value in places for inner in _steps(loc, value, step)]
        yield from ((loc, value) for loc, value in places if isinstance(value, str | int | float))


def _steps(loc: Loc, value: Any, step: str) -> Iterator[tuple[Loc, Any]]:
    if step == "*" and isinstance(value, list):
        yield from (((*loc, index), item) for index, item in enumerate(value))
    elif isinstance(value, dict) and step in value:
        yield (*loc, step), value[step]


def dotted(loc: Loc) -> str:
    """Write a place the way users read it.

    >>> dotted(("agents", 2, "name"))
    'agents[2].name'
    """
    plain = re.compile(r"[\w-]{1,60}")
    steps = (f".{s}" if plain.fullmatch(str(s)) and s == str(s) else f"[{shown(s)}]" for s in loc)
    return "".join(steps).removeprefix(".")


def shown(value: object) -> str:
    """Write a value the way its file would, long ones described or cut."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return "a mapping" if isinstance(value, dict) else _short(repr(value))


def suggestion(word: object, choices: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` with the choice nearest to `word`, or nothing."""
    near = nearest(str(word)[:_LONGEST], choices)
    return f"; did you mean {near!r}?" if near else ""


def explained(
    error: ValidationError, model: type[BaseModel], document: Document
) -> Iterator[Finding]:
    """Say what pydantic found, once per place.

    What the members of a union say is joined by "or"; where one of them fits so far that
    the problem lies deeper, the others keep silent.
    """
    told: dict[Loc, list[tuple[str, str | None]]] = {}
    forked: set[Loc] = set()
    for item in error.errors(include_url=False):
        loc, forks, message, got = _told(item, model, document.data)
        if message:
            told.setdefault(loc, []).append((message, got))
            forked |= {loc} if forks else set()
    silent = forked & {loc[:end] for loc in forked for end in range(len(loc))}
    for loc in (loc for loc in told if loc not in silent):
        words = " or ".join(dict.fromkeys(message for message, _ in told[loc]))
        yield Finding(document.file, document.line(loc), dotted(loc), words, told[loc][0][1])


def _told(
    item: ErrorDetails, model: type[BaseModel], data: Any
) -> tuple[Loc, bool, str, str | None]:
    """Return the place of one pydantic error, whether in a union, its words, the value."""
    kind, loc, value = item["type"], item["loc"], item["input"]
    context = item.get("ctx", {})
    absent = kind in {"missing", "extra_forbidden"}
    place, forks, models = _place(loc[:-1] if absent else loc, model, data)
    if absent:
        message = _missing(loc[-1]) if kind == "missing" else _unknown(loc[-1], _fields(models))
        return (*place, loc[-1]), forks, message, None
    if kind == "union_tag_not_found":
        return (*place, _tag(context)), forks, _missing(_tag(context)), None
    if kind == "union_tag_invalid":
        value = value[_tag(context)]
        kinds = " or ".join(context["expected_tags"].rsplit(", ", 1))
        return (*place, _tag(context)), forks, _one_of(kinds, value), shown(value)
    got = None if kind == "value_error" and isinstance(value, dict) else shown(value)
    return place, forks, _message(kind, value, context, item["msg"]), got


def _message(kind: str, value: Any, context: Mapping[str, Any], otherwise: str) -> str:
    """Return the words for an error at a value; none if it only follows from another."""
    if kind in {"literal_error", "enum"}:
        return _one_of(context["expected"], value)
    known = {name: _whole(limit) for name, limit in context.items()}
    if kind in {"too_short", "too_long"}:
        # pydantic counts only the good values, so that a bad one seems to be absent too
        known["actual_length"] = has = len(value)
        if context.get("min_length", 0) <= has <= context.get("max_length", has):
            return ""
    words = _WORDS.get(kind, "").format(**known) or otherwise.replace("Input should", "must")
    return words + _quotes(kind, value)


def _quotes(kind: str, value: object) -> str:
    """Return advice about quotes, if these are what makes a scalar the wrong one."""
    number = isinstance(value, str) and NUMBER.fullmatch(value)
    if (kind in {"float_type", "int_type"} and number) or (
        kind == "bool_type" and value in ("true", "false")
    ):
        return "; remove the quotes"
    return "; put it in quotes" if kind == "string_type" and isinstance(value, int | float) else ""


def _one_of(expected: str, value: object) -> str:
    return f"must be {expected}" + suggestion(value, re.findall(r"'([^']*)'", expected))


def _unknown(name: str | int, fields: Mapping[Any, object]) -> str:
    hint = suggestion(name, fields) or f"; fields here are: {', '.join(fields) or 'none'}"
    return f"unknown field {shown(name)}{hint}"


def _missing(name: str | int) -> str:
    return "missing; the list is too short" if isinstance(name, int) else f"missing field {name!r}"


def _tag(context: Mapping[str, Any]) -> str:
    return str(context["discriminator"]).strip("'")


def _whole(limit: object) -> object:
    return int(limit) if isinstance(limit, float) and limit.is_integer() else limit


def _place(loc: Loc, model: type[BaseModel], data: Any) -> tuple[Loc, bool, Models]:
    """Return the steps of `loc` in the data, whether a union forks there, what may stand there.

    Between the steps of the data, `loc` names the member of each union that was tried.
    """
    path: Loc = ()
    forks = False
    models: Models = (model,)
    for step in loc:
        fields = _fields(models)
        chosen = tuple(m for m in models if len(models) > 1 and step in _names(m))
        if chosen and isinstance(data, dict):
            models = chosen
        elif isinstance(step, int) or step in fields or (isinstance(data, dict) and step in data):
            path, data = (*path, step), _inside(data, step)
            models = tuple(_models(fields[step])) if step in fields else models
        else:
            forks = True
    return path, forks, models


def _inside(data: Any, step: str | int) -> Any:
    """Return ``data[step]``, or None where a default was validated instead."""
    try:
        return data[step]
    except (KeyError, IndexError, TypeError):
        return None


def _fields(models: Models) -> dict[str | int, Any]:
    """Return the annotations of the fields of any of the models, by their names in a file."""
    fields = [item for model in models for item in model.model_fields.items()]
    return {info.alias or name: info.annotation for name, info in fields}


def _names(model: type[BaseModel]) -> set[object]:
    """Return how pydantic may call a member of a union: by its class or by its kind."""
    kind = model.model_fields.get("kind")
    return {model.__name__, *(get_args(kind.annotation) if kind else ())}


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield every model inside an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _order(finding: Finding) -> tuple[int, list[str | int]]:
    """Sort by line, then path, ``load[2]`` before ``load[10]``."""
    parts = re.split(r"([0-9]+)", finding.path)
    return finding.line, [int(p) if odd % 2 else p for odd, p in enumerate(parts)]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
