"""The certificate in words."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from equigrid.experiments.report.ties import status
from equigrid.experiments.result import CaseResult, Result, StageCheck
from equigrid.experiments.strict import in_words

_EXPONENT = re.compile(r"[0-9.]+e-[0-9]+")
"""A small figure as a note has it."""


@dataclass(frozen=True)
class Shown:
    """A check as it is read: what was measured and allowed as text.

    Attributes
    ----------
    question, measured, allowed : str
    holds : bool or None
        None where nothing is asked for.
    part : str
        Under which heading it stands.
    how : str
        By what it was checked.
    """

    question: str
    measured: str
    allowed: str = "–"
    holds: bool | None = None
    part: str = ""
    how: str = ""


@dataclass(frozen=True)
class Line:
    """One line of the certificates of all cases.

    Attributes
    ----------
    question, how, allowed : str
    found : tuple of Shown or None
        For each case, None where it was not asked.
    """

    question: str
    how: str
    allowed: str
    found: tuple[Shown | None, ...]


def certificate_parts(result: Result) -> list[tuple[str, list[Line]]]:
    """Return the certificates of all cases side by side, under headings."""
    asked = [{(s.part, s.question): s for s in shown(case)} for case in result.cases]
    first: dict[tuple[str, str], Shown] = {}
    for each in asked:
        first = {**each, **first}
    return [
        (part, _without_echoes([_line(key, asked) for key, s in first.items() if s.part == part]))
        for part in dict.fromkeys(check.part for check in first.values())
    ]


def _line(key: tuple[str, str], asked: Sequence[Mapping[tuple[str, str], Shown]]) -> Line:
    result = tuple(each.get(key) for each in asked)
    there = [check for check in result if check is not None]
    allowed = " / ".join(dict.fromkeys(check.allowed for check in there))
    return Line(key[1], there[0].how, allowed, result)


def _without_echoes(lines: Sequence[Line]) -> list[Line]:
    """Say how a line was checked only where the line before does not say the same."""
    before = ["", *(line.how for line in lines)]
    return [
        replace(line, how="" if line.how == said else line.how)
        for line, said in zip(lines, before, strict=False)
    ]


def shown(case: CaseResult) -> list[Shown]:
    """Return every check of a case as it is read."""
    binding = {one.stage for one in case.checks if one.binding and one.stage}
    return [_shown(one, several=len(binding) > 1) for one in case.checks]


def _shown(one: StageCheck, *, several: bool) -> Shown:
    check = one.check
    part = check.part or "The study"
    if not one.binding:
        part = f"{one.stage} (not binding): {part[0].lower()}{part[1:]}"
    elif several and one.stage:
        part = f"{one.stage}: {part[0].lower()}{part[1:]}"
    measured, allowed = check.words
    note = f" ({_EXPONENT.sub(_raised, check.note)})" if check.note else ""
    return Shown(
        check.question,
        (measured or _figure(check.measured, check.unit)) + note,
        allowed or ("–" if check.allowed is None else _figure(check.allowed, check.unit)),
        check.holds,
        part,
        check.how,
    )


def _raised(found: re.Match[str]) -> str:
    return _small(float(found.group(0)))


def _figure(value: float | None, unit: str) -> str:
    """Write a figure with its unit, if there is one.

    >>> _figure(1043.3767, "money"), _figure(0.5, ""), _figure(None, "")
    ('1,043.38', '0.5', 'not known')
    """
    if value is None:
        return "not known"
    if unit == "money":
        return _money(value)
    return f"{_small(value)}\N{NO-BREAK SPACE}{unit}" if unit else _small(value)


def _money(value: float) -> str:
    """Write an objective with the digits that a gap is read from.

    >>> _money(1043.3767), _money(-12.5)
    ('1,043.38', '−12.50')
    """
    return f"{value:,.2f}".replace("-", "−")


def _small(value: float) -> str:
    """Write a small number so that its size is seen.

    >>> _small(0), _small(-0.00312), _small(2.5e-7), _small(-1e-12), _small(math.inf)
    ('0', '−0.0031', '2.5 × 10⁻⁷', '−1.0 × 10⁻¹²', 'infinite')
    """
    if not math.isfinite(value):
        return in_words(value)
    if not 0 < abs(value) < 1e-3:
        return f"{value:.2g}".replace("-", "−")
    digits, _, exponent = f"{value:.1e}".replace("-", "−").partition("e")
    raised = exponent.replace("−0", "−").translate(str.maketrans("−0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{digits} × 10{raised}"


def verdict(result: Result) -> str:
    """Say in a sentence what the certificate comes to."""
    if not result.certified:
        return _uncertified(result)
    said = [*_of_answers(result), *_of_the_rest(result)]
    word = status(result).capitalize()
    if not said:
        return f"{word}: nothing was asked that does not hold."
    *first, last = said
    return f"{word}: {', '.join(first)}{', and ' if first else ''}{last}."


def _of_answers(result: Result) -> Iterator[str]:
    """Say what holds of games, as far as there are any."""
    regrets = [r for case in result.cases for r in case.certificate.regret.values()]
    leads = any(case.certificate.leader_objective is not None for case in result.cases)
    if regrets:
        who = "no follower" if leads else "no party"
        yield (
            f"{who} could gain by answering otherwise (at most {_small(max(regrets))} of the money "
            "it moves)"
        )
    gaps = [c.certificate.optimality_gap for c in result.cases]
    proven = [gap for gap in gaps if gap is not None]
    if proven and len(proven) == len(gaps):
        whose = "no answer is better for the leader" if leads else "no answer costs less"
        yield f"{whose} by more than {_small(max(proven))} of the money it moves"


def _of_the_rest(result: Result) -> Iterator[str]:
    certificates = [case.certificate for case in result.cases]
    if any(certificate.of_game for certificate in certificates):
        yield "payments balance"
    if any(c.ac is not None and c.ac.required == "enforce" for c in certificates):
        yield "AC power flow holds"
    own = [one for case in result.cases for one in case.checks if one.check.part == "The decision"]
    if own:
        yield "decisions are feasible and as good as is proven beside each"


def _uncertified(result: Result) -> str:
    if not result.missing:
        return "Not certified: what follows falls short of the study's tolerances."
    why = "the run was interrupted" if result.interrupted else "a case has no answer"
    return f"Not certified: {why}, and not every case is here, or proven."
