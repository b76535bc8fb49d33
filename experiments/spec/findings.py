"""What is wrong with a file, in words a user can act on."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from equigrid.errors import EquigridError, nearest

Loc = tuple[str | int, ...]  # a place in nested data: ("agents", 2, "name")
Problem = tuple[Loc, str, object]  # place, what is wrong there, guilty value (None to omit)

# A number as a file writes it; 0777 is none, since YAML 1.1 and 1.2 differ on it.
NUMBER = re.compile(
    r"[-+]?(?:0|[1-9][0-9]*)"
    r"|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*|(?=[eE])))(?:[eE][-+]?[0-9]+)?"
)
_LONGEST, _MOST_LINES = 60, 200


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
    loc
        The place as steps, where it is known.
    """

    file: str
    line: int
    path: str
    message: str
    got: str | None = None
    loc: Loc = field(default=(), compare=False, repr=False)

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
        return Finding(self.file, self.line(loc), dotted(loc), message, text, loc)

    def explained(self, problems: Iterable[Problem]) -> list[Finding]:
        """Return a finding for each problem."""
        return [self.finding(*problem) for problem in problems]

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
    plain = re.compile(r"(?=.{1,100}$)[\w-]+(\.[\w-]+)*")  # what a case sets has dots
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


def _order(finding: Finding) -> tuple[int, list[str | int]]:
    """Sort by line, then path, ``load[2]`` before ``load[10]``."""
    parts = re.split(r"([0-9]+)", finding.path)
    return finding.line, [int(p) if odd % 2 else p for odd, p in enumerate(parts)]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
