"""Limits of a configuration, and the effort of the search for the best one and of its proof."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from numbers import Integral, Real
from typing import Any, TypedDict

from equigrid.errors import NetworkError


@dataclass(frozen=True)
class OperatingLimits:
    """Limits that a configuration has to keep.

    Attributes
    ----------
    voltage_min_pu, voltage_max_pu : float, optional
        Of the voltage at every bus; None for no limit.
    """

    voltage_min_pu: float | None = None
    voltage_max_pu: float | None = None


@dataclass(frozen=True)
class SearchEffort:
    """How far the search for the best configuration goes, and how far the proof.

    Attributes
    ----------
    enumerate_up_to : int
        Most configurations to evaluate one by one.
    restarts : int
        So many random starts of branch exchange, beside its three fixed ones.
    seed : int
        Of the random starts.
    bound_rounds : int
        Most mixed-integer programs for the bound; 0 for none.
    bound_nodes : int
        Most nodes of each.
    gap : float
        The relaxation may stop where it has proved this share.
    """

    enumerate_up_to: int = 2_000_000
    restarts: int = 8
    seed: int = 0
    bound_rounds: int = 10
    bound_nodes: int = 2000
    gap: float = 1e-4

    def findings(self) -> Iterator[str]:
        """Return a sentence for every number that cannot be used."""
        for name in ("enumerate_up_to", "bound_rounds", "bound_nodes", "restarts", "seed"):
            count = getattr(self, name)
            if not (isinstance(count, Integral) and int(count) >= 0):
                yield f"{name} is {count!r}: give a whole number, 0 or more."
        if not (isinstance(self.gap, Real) and float(self.gap) >= 0):
            yield f"gap is {self.gap!r}: give a share, 0 or more."


NO_LIMITS, USUAL_EFFORT = OperatingLimits(), SearchEffort()


class DeprecatedKeywords(TypedDict, total=False):
    """Keywords of ``best_configuration`` that are fields of the two classes now."""

    voltage_min_pu: float | None
    voltage_max_pu: float | None
    enumerate_up_to: int
    restarts: int
    seed: int
    bound_rounds: int
    bound_nodes: int
    gap: float


def with_deprecated(
    limits: OperatingLimits, effort: SearchEffort, keywords: DeprecatedKeywords
) -> tuple[OperatingLimits, SearchEffort]:
    """Return limits and effort with deprecated keywords taken over; warn of each.

    Raises
    ------
    NetworkError
        When limits or effort are something else.
    TypeError
        For a keyword that there never was.
    """
    given: dict[str, Any] = {"limits": limits, "effort": effort}
    kinds = {"limits": OperatingLimits, "effort": SearchEffort}
    if findings := [
        f"{argument} is {type(given[argument]).__name__}: give {kind.__name__}(...)."
        for argument, kind in kinds.items()
        if not isinstance(given[argument], kind)
    ]:
        raise NetworkError(findings)
    homes = {field.name: name for name, kind in kinds.items() for field in fields(kind)}
    for keyword, value in keywords.items():
        if keyword not in homes:
            raise TypeError(f"best_configuration() got an unexpected keyword argument {keyword!r}")
        argument = homes[keyword]
        warnings.warn(
            f"best_configuration({keyword}=...) is deprecated: give "
            f"{argument}={kinds[argument].__name__}({keyword}=...).",
            DeprecationWarning,
            stacklevel=4,  # of who called best_configuration, through its one_blas_thread
        )
        given[argument] = replace(given[argument], **{keyword: value})
    return given["limits"], given["effort"]
