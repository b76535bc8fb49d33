"""Settings of methods: what a study states of a method holds in place of what its system says."""

from collections.abc import Callable
from dataclasses import fields, replace
from math import isnan
from typing import Any

from equigrid.markets.equilibrium import Method
from equigrid.markets.methods.exact import Exact

_NAMES = {"Exact": "exact", "BestResponse": "best_response", "Admm": "admm"}
"""What a study calls the methods, under `methods`."""


def settings_name(method: Method) -> str:
    """Return what a study calls a method; empty for one that it has no settings of."""
    return _NAMES.get(type(method).__name__, "")


def configured(method: Method, stated: dict[str, Any], **runs: Any) -> Method:
    """Return a method with what a study states, and with what a run adds where it takes it.

    Parameters
    ----------
    method : Method
        As the system made it.
    stated : dict
        Settings by name.
    **runs
        ``seconds`` and ``progress``: of this run only, unless the method has its own.
    """
    known = {field.name for field in fields(method)}  # type: ignore[arg-type]
    added = {
        name: value
        for name, value in runs.items()
        if name in known and value is not None and getattr(method, name) is None
    }
    result: Method = replace(method, **{**stated, **added})  # type: ignore[type-var]
    return result


def progress_of(method: Method, tell: Callable[[str], None]) -> Callable[..., None]:
    """Return what a method tells its progress to, in the words that fit it."""
    if isinstance(method, Exact):
        return lambda nodes, answer, bound: tell(f"{nodes} nodes, {how_far(answer, bound)}")

    def told(number: int, off: float, allowed: float) -> None:
        # Ever fewer of ever more rounds: 1 to 9, 10, 20, … 90, 100, 200, …
        if len(str(number).rstrip("0")) == 1:
            tell(how_far_off(number, off, allowed))

    return told


def how_far_off(number: int, off: float, allowed: float) -> str:
    """Say how far a talk is after a round, where that is known.

    >>> how_far_off(7, 0.02, 1e-6), how_far_off(1, float("nan"), 1e-6)
    ('round 7, off by 2.0e-02 where 1.0e-06 is allowed', 'round 1')
    """
    known = f", off by {off:.1e} where {allowed:.1e} is allowed"
    return f"round {number}" + ("" if isnan(off) else known)


def how_far(answer: float, bound: float) -> str:
    """Say answer, bound and gap of a search, as far as there are any.

    >>> how_far(10.0, 10.5), how_far(float("nan"), float("inf"))
    ('answer 10.000, bound 10.500, gap 5.000 % of the answer', 'no answer yet, no bound yet')
    """
    finite = [float("-inf") < value < float("inf") for value in (answer, bound)]
    parts = [
        f"{name} {value:.3f}" if known else f"no {name} yet"
        for name, value, known in zip(("answer", "bound"), (answer, bound), finite, strict=True)
    ]
    if all(finite):
        parts.append(f"gap {100 * abs(answer - bound) / max(1.0, abs(answer)):.3f} % of the answer")
    return ", ".join(parts)
