"""Strict YAML in, plain YAML out, and models checked with every problem told at once.

Scalars follow the core schema of YAML 1.2: ``1e-4`` is a number and ``no`` is text. What
YAML 1.1 reads as another number (``0777``, ``0x1F``, ``1_000``, ``18:00``) is text as well.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import pydantic
import yaml
from pydantic_core import PydanticCustomError, to_json

from equigrid.experiments.findings import (
    NUMBER,
    Document,
    Finding,
    Loc,
    UnusableInput,
    dotted,
    explained,
    shown,
)

_LARGEST_FILE = 2_000_000  # bytes; PyYAML needs about ten seconds for them
_DEEPEST, _MOST_DIGITS = 40, 100
_HALF = re.compile("[\ud800-\udfff]")  # of a surrogate pair

_WORDS: dict[str, float | bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}

M = TypeVar("M", bound=pydantic.BaseModel)


class Strict(pydantic.BaseModel):
    """Base of all models of a file: nothing unknown, infinite or converted; defaults checked."""

    model_config = pydantic.ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True
    )


def exactly(count: int | str) -> pydantic.WrapValidator:
    """Annotate a tuple of numbers, or of tuples of them, with how many it has.

    Parameters
    ----------
    count
        The number, or its name in the context of `validated`; any length if not there.
    """

    def check(value: Any, inner: Callable[[Any], Any], info: pydantic.ValidationInfo) -> Any:
        wanted = (info.context or {}).get(count, count)
        value = tuple(value) if isinstance(value, list) else value  # handed on, it is not JSON
        if not (isinstance(wanted, int) and isinstance(value, tuple)) or len(value) == wanted:
            return inner(value)
        words = PydanticCustomError("length", f"must have {wanted} values, has {len(value)}")
        problems: list[Any] = [{"type": words, "input": value}]
        try:
            inner(value)
        except pydantic.ValidationError as error:
            for item in error.errors(include_url=False):  # custom again, since some were
                words = PydanticCustomError(item["type"], item["msg"], item.get("ctx"))
                problems.append({"type": words, "loc": item["loc"], "input": item["input"]})
        raise pydantic.ValidationError.from_exception_data("series", problems)

    return pydantic.WrapValidator(check)


def validated(
    model: type[M],
    document: Document,
    context: dict[str, Any] | None = None,
    extra: Iterable[tuple[Loc, str, object]] = (),
) -> M:
    """Return what a document says as a model.

    Parameters
    ----------
    model
        A `Strict` model.
    document
        What `read_yaml` returned.
    context
        For the model's validators.
    extra
        Further problems found in the document: place, message, guilty value (None to omit).

    Raises
    ------
    UnusableInput
        With everything the document, the model and `extra` have to complain about.
    """
    findings = [*document.findings, *(document.finding(*problem) for problem in extra)]
    known = {finding.path for finding in document.findings}
    try:
        # as JSON, since a strict model takes lists for tuples there and only there
        text = to_json(document.data, inf_nan_mode="constants")
        instance = model.model_validate_json(text, strict=True, context=context)
    except pydantic.ValidationError as error:
        findings += [f for f in explained(error, model, document) if f.path not in known]
    else:
        if not findings:
            return instance
    raise UnusableInput(findings)


def read_yaml(path: str | Path, *, lenient: bool = False) -> Document:
    """Read one mapping from a file.

    Parameters
    ----------
    path
        The file: UTF-8, one document, no tags, anchors, aliases or merge keys.
    lenient
        Keep problems that do not hide the rest in `Document.findings`, for `validated`.

    Raises
    ------
    UnusableInput
        If the file cannot be read or says anything that is not allowed.
    """
    document = _Reading(str(path)).document()
    if document.findings and not lenient:
        raise UnusableInput(document.findings)
    return document


class _Reading:
    """Turns the events of PyYAML's parser into data, lines and findings."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Loc, int] = {}
        self.findings: list[Finding] = []

    def document(self) -> Document:
        text = self.text()
        try:
            self.events: Any = yaml.SafeLoader(text)
            data = self.only_document()
        except UnusableInput:
            raise
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            self.stop(line, f"character {error.character:#06x} is not text; is this a YAML file?")
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            hint = "; indent with spaces, not tabs" if "'\\t'" in str(error.problem) else ""
            self.stop(mark.line + 1 if mark else 1, f"is not YAML: {error.problem}{hint}")
        except (ValueError, OverflowError):  # PyYAML trusts the digits of an escape
            self.stop(self.events.line + 1, "is not YAML: number out of range")
        return Document(self.file, data, self.lines, tuple(self.findings))

    def text(self) -> str:
        try:
            with Path(self.file).open("rb") as stream:
                content = stream.read(_LARGEST_FILE + 1)
        except (OSError, ValueError) as error:
            self.stop(1, f"cannot be read: {getattr(error, 'strerror', None) or error}")
        if len(content) > _LARGEST_FILE:
            self.stop(1, f"is larger than {_LARGEST_FILE // 1_000_000} MB; make it smaller")
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self.stop(content.count(b"\n", 0, error.start) + 1, "is not UTF-8; save it as UTF-8")

    def only_document(self) -> dict[str, Any]:
        self.events.get_event()
        if self.events.check_event(yaml.StreamEndEvent):
            self.stop(1, "is empty; write a mapping of fields (name: value)")
        self.events.get_event()
        data = self.node(())
        self.events.get_event()
        if not self.events.check_event(yaml.StreamEndEvent):
            self.stop(self.events.peek_event().start_mark.line + 1, "a second document; keep one")
        if not isinstance(data, dict):
            self.stop(self.lines[()], "must be a mapping of fields (name: value)", shown(data))
        return data

    def node(self, loc: Loc) -> Any:
        event = self.events.get_event()
        self.lines.setdefault(loc, event.start_mark.line + 1)
        self.refuse(event, loc)
        if isinstance(event, yaml.MappingStartEvent):
            return self.mapping(loc)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(loc)
        return self.scalar(event, loc)

    def refuse(self, event: Any, loc: Loc) -> None:
        """Note what data never need, before anything is built from it."""
        if isinstance(event, yaml.AliasEvent):
            self.add(event, loc, "alias; write the value out", f"*{event.anchor}")
        elif event.anchor is not None:
            self.add(event, loc, "anchor; remove it", f"&{event.anchor}")
        if getattr(event, "tag", None) is not None:
            self.add(event, loc, "tag; remove it", event.tag.replace("tag:yaml.org,2002:", "!!"))
        if len(loc) > _DEEPEST:
            self.stop(event.start_mark.line + 1, f"is nested deeper than {_DEEPEST} levels")

    def mapping(self, loc: Loc) -> dict[str, Any]:
        data: dict[str, Any] = {}
        while not self.events.check_event(yaml.MappingEndEvent):
            event = self.events.peek_event()
            key = self.key(event, loc)
            place = (*loc, key)
            if key in data:
                self.add(event, place, f"occurs twice, first on line {self.lines[place]}; keep one")
            self.lines.setdefault(place, event.start_mark.line + 1)
            data.setdefault(key, self.node(place))
        self.events.get_event()
        return data

    def key(self, event: Any, loc: Loc) -> str:
        key = self.node((*loc, "?"))
        text = key if isinstance(key, str) else str(getattr(event, "value", "?"))
        if key != text and not isinstance(event, yaml.AliasEvent):
            self.add(event, (*loc, text), "key is not text; put it in quotes")
        elif key == "<<" and event.style is None:
            self.add(event, (*loc, text), "merge key; write the fields out")
        return text

    def sequence(self, loc: Loc) -> list[Any]:
        data: list[Any] = []
        while not self.events.check_event(yaml.SequenceEndEvent):
            data.append(self.node((*loc, len(data))))
        self.events.get_event()
        return data

    def scalar(self, event: Any, loc: Loc) -> str | float | bool | None:
        text = str(getattr(event, "value", ""))  # an alias has none
        if _HALF.search(text):
            self.add(event, loc, "has half a character; write the whole one", shown(text))
            text = _HALF.sub("?", text)
        if getattr(event, "style", None) is not None:
            return text
        if not NUMBER.fullmatch(text):
            return _WORDS.get(text, text)
        if len(text) > _MOST_DIGITS:
            self.add(event, loc, f"has more than {_MOST_DIGITS} digits; round it", text)
            return 0
        return int(text) if text.lstrip("+-").isdigit() else float(text)

    def add(self, event: Any, loc: Loc, message: str, got: str | None = None) -> None:
        self.findings += [Finding(self.file, event.start_mark.line + 1, dotted(loc), message, got)]

    def stop(self, line: int, message: str, got: str | None = None) -> NoReturn:
        raise UnusableInput([*self.findings, Finding(self.file, line, "", message, got)]) from None


class _Dumper(yaml.SafeDumper):
    """Writes numbers in rows, no aliases, and quotes what any reader takes for no text."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def represent_text(self, data: str) -> yaml.Node:
        style = None if data.isprintable() else '"'  # keeps rare line breaks as they are
        return self.represent_scalar("tag:yaml.org,2002:str", data, style)

    def represent_series(self, data: Iterable[Any]) -> yaml.Node:
        numbers = all(type(value) in {int, float} for value in data)
        return self.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=numbers)


_Dumper.add_representer(str, _Dumper.represent_text)
_Dumper.add_representer(list, _Dumper.represent_series)
_Dumper.add_representer(tuple, _Dumper.represent_series)
_Dumper.add_implicit_resolver(
    "tag:equigrid,2024:ambiguous",
    re.compile(rf"(?:{NUMBER.pattern}|[-+]?[0-9]+(?:[eE][-+]?[0-9]+)?|0o[0-7]+|[yYnN])\Z"),
    list("-+.0123456789yYnN"),
)


def to_yaml(content: pydantic.BaseModel | dict[str, Any]) -> str:
    """Write a model or plain data so that YAML 1.1 and 1.2 read the same.

    Parameters
    ----------
    content
        Dicts, lists and tuples of text, numbers, truth values and None, or a model of such.

    Raises
    ------
    yaml.representer.RepresenterError
        If there is anything else in it.
    """
    if isinstance(content, pydantic.BaseModel):
        content = content.model_dump(mode="json", by_alias=True)
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
