"""Strict YAML in.

Scalars follow the core schema of YAML 1.2: ``1e-4`` is a number and ``no`` is text. What
YAML 1.1 reads as another number (``0777``, ``0x1F``, ``1_000``, ``18:00``) is text as well.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import yaml

from equigrid.experiments.spec.findings import (
    NUMBER,
    Document,
    Finding,
    Loc,
    UnusableInput,
    dotted,
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


def read_yaml(path: str | Path, *, lenient: bool = False) -> Document:
    """Read one mapping from a file.

    Parameters
    ----------
    path
        The file: UTF-8, one document, no tags, anchors, aliases or merge keys.
    lenient
        Keep problems that do not hide the rest in `Document.findings`, for `study_of`.

    Raises
    ------
    UnusableInput
        If the file cannot be read or says anything that is not allowed.
    """
    document = _Reading(str(path)).document()
    if document.findings and not lenient:
        raise UnusableInput(document.findings)
    return document


def parsed_value(text: str) -> Any:
    """Return what a value means that stands in a command, such as ``0.8`` or ``[up, down]``.

    Parameters
    ----------
    text : str
        As it would stand in a study file, on one line.

    Raises
    ------
    UnusableInput
        If it is no YAML, or says what a study file may not say.

    Examples
    --------
    >>> parsed_value("0.8"), parsed_value("no"), parsed_value("[1, 2]")
    (0.8, 'no', [1, 2])
    """
    if not text.strip():
        return None
    reading = _Reading("(command)")
    value = reading.whole(text, reading.only_value)
    if reading.findings:
        raise UnusableInput(reading.findings)
    return value


class _Reading:
    """Turns the events of PyYAML's parser into data, lines and findings."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Loc, int] = {}
        self.findings: list[Finding] = []

    def document(self) -> Document:
        data = self.whole(self.text(), self.only_document)
        return Document(self.file, data, self.lines, tuple(self.findings))

    def whole(self, text: str, read: Callable[[], Any]) -> Any:
        try:
            self.events: Any = yaml.SafeLoader(text)
            return read()
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
        data = self.only_value()
        if not isinstance(data, dict):
            self.stop(self.lines[()], "must be a mapping of fields (name: value)", shown(data))
        return data

    def only_value(self) -> Any:
        self.events.get_event()
        if self.events.check_event(yaml.StreamEndEvent):
            self.stop(1, "is empty; write a mapping of fields (name: value)")
        self.events.get_event()
        data = self.node(())
        self.events.get_event()
        if not self.events.check_event(yaml.StreamEndEvent):
            self.stop(self.events.peek_event().start_mark.line + 1, "a second document; keep one")
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
