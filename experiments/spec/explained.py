"""What pydantic found, in the words of a user, at the places of the file."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from equigrid.experiments.spec.field_errors import IN_FILE, SENTENCE
from equigrid.experiments.spec.findings import (
    NUMBER,
    Document,
    Finding,
    Loc,
    dotted,
    shown,
    suggestion,
)

Models = tuple[type[BaseModel], ...]

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
        if item["type"] == IN_FILE:
            place = item["ctx"]
            yield Finding(place["file"], place["line"], dotted(loc), message, got, loc)
        elif message:
            told.setdefault(loc, []).append((message, got))
            forked |= {loc} if forks else set()
    silent = forked & {loc[:end] for loc in forked for end in range(len(loc))}
    for loc in (loc for loc in told if loc not in silent):
        words = " or ".join(dict.fromkeys(message for message, _ in told[loc]))
        yield Finding(document.file, document.line(loc), dotted(loc), words, told[loc][0][1], loc)


def _told(
    item: ErrorDetails, model: type[BaseModel], data: Any
) -> tuple[Loc, bool, str, str | None]:
    """Return the place of one pydantic error, whether in a union, its words, the value."""
    kind, loc, value = item["type"], item["loc"], item["input"]
    context = item.get("ctx", {})
    if kind in {SENTENCE, IN_FILE}:
        place, forks, _ = _place(loc[:-1] if context["absent"] else loc, model, data)
        end = loc[-1:] if context["absent"] else ()
        return (*place, *end), forks, item["msg"], context["got"]
    absent = kind in {"missing", "extra_forbidden"}
    place, forks, models = _place(loc[:-1] if absent else loc, model, data)
    if absent:
        message = _missing(loc[-1]) if kind == "missing" else _unknown(loc[-1], fields_of(models))
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
        fields = fields_of(models)
        chosen = tuple(m for m in models if len(models) > 1 and step in kinds_of(m))
        if chosen and isinstance(data, dict):
            models = chosen
        elif isinstance(step, int) or step in fields or (isinstance(data, dict) and step in data):
            path, data = (*path, step), _inside(data, step)
            models = tuple(models_in(fields[step])) if step in fields else models
        else:
            forks = True
    return path, forks, models


def _inside(data: Any, step: str | int) -> Any:
    """Return ``data[step]``, or None where a default was validated instead."""
    try:
        return data[step]
    except (KeyError, IndexError, TypeError):
        return None


def fields_of(models: Models) -> dict[str | int, Any]:
    """Return the annotations of the fields of any of the models, by their names in a file."""
    fields = [item for model in models for item in model.model_fields.items()]
    return {info.alias or name: info.annotation for name, info in fields}


def kinds_of(model: type[BaseModel]) -> set[object]:
    """Return how pydantic may call a member of a union: by its class or by its kind."""
    kind = model.model_fields.get("kind")
    return {model.__name__, *(get_args(kind.annotation) if kind else ())}


def models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield every model inside an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)
