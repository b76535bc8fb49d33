"""Evaluation of configurations: objective, limits, and the power flows of many at once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike

from equigrid.arrays import BoolArray, FloatArray
from equigrid.errors import NetworkError
from equigrid.grid.batch.flow import power_flow_batch
from equigrid.grid.batch.result import BatchFlow, FlowStatus
from equigrid.grid.network.checks import voltage_dependent
from equigrid.grid.network.network import Network
from equigrid.grid.network.tables import UNRATED_KA, did_you_mean
from equigrid.grid.switching.search_effort import OperatingLimits

# The result of the batch flow that each objective is of, and the sign with which less is better.
OBJECTIVES = {
    "loss": ("loss_mw", 1.0),
    "voltage": ("voltage_min_pu", -1.0),
    "balance": ("branch_current_ka", 1.0),
}
FIGURES = ("branch_current_ka", "loss_mw", "voltage_min_pu", "loading_max_percent")


@dataclass(frozen=True, eq=False)
class Evaluator:
    """Runs the power flow of configurations and scores them.

    Attributes
    ----------
    network : Network
        The feeder, with these loads.
    load_mw, load_mvar : array (N,)
        Net consumption by bus.
    objective : str
        One of OBJECTIVES.
    voltage_min_pu, voltage_max_pu : float
        Limits that a configuration has to keep; 0 and infinity for none.
    """

    network: Network
    load_mw: FloatArray
    load_mvar: FloatArray
    objective: str
    voltage_min_pu: float
    voltage_max_pu: float

    @property
    def sign(self) -> float:
        """1 where the objective is to be small, else -1."""
        return OBJECTIVES[self.objective][1]

    def scores(self, closed: BoolArray) -> FloatArray:
        """Return the objective of every row with its sign, infinite where limits do not hold.

        Parameters
        ----------
        closed : array of bool (S, B)
            Those that are not radial, or do not converge, score infinity as well.
        """
        name = OBJECTIVES[self.objective][0]
        wanted = {name} | ({"voltage_min_pu", "voltage_max_pu"} if self.limited else set())
        flow = self.flow(closed, sorted(wanted))
        result = flow.results[name]
        balance = self.objective == "balance"
        value = self.balance_index(result) if balance else self.sign * result
        good = (flow.status == FlowStatus.CONVERGED) & np.isfinite(value)
        if self.limited:
            good &= flow.voltage_min_pu >= self.voltage_min_pu
            good &= flow.voltage_max_pu <= self.voltage_max_pu
        return np.where(good, value, np.inf)

    @property
    def limited(self) -> bool:
        """Whether there are voltage limits."""
        return self.voltage_min_pu > 0 or self.voltage_max_pu < np.inf

    def balance_index(self, current_ka: FloatArray) -> FloatArray:
        """Return the sum of the squared loadings of each row, 1 for a branch at its rating.

        Baran and Wu, "Network reconfiguration in distribution systems for loss reduction and load
        balancing", IEEE Transactions on Power Delivery 4(2), 1989, with currents for their powers.
        """
        rating_ka = self.network.branches["rating_ka"].to_numpy()
        weight = np.where(rating_ka < UNRATED_KA, rating_ka, np.inf) ** -2
        return np.asarray(current_ka**2 @ weight)

    def flow(self, closed: BoolArray, results: Iterable[str] = FIGURES) -> BatchFlow:
        """Run the power flow of configurations."""
        load_mw, load_mvar = (np.repeat(load[None], len(closed), axis=0) for load in self.loads)
        return power_flow_batch(self.network, load_mw, load_mvar, closed, results=results)

    @property
    def loads(self) -> tuple[FloatArray, FloatArray]:
        """MW and MVAr by bus."""
        return self.load_mw, self.load_mvar


def read_evaluator(
    network: Network,
    loads: tuple[ArrayLike | None, ArrayLike | None],
    objective: str,
    limits: OperatingLimits,
) -> Evaluator:
    """Return what scores configurations.

    Raises
    ------
    NetworkError
        Naming loads of the wrong shape or not finite, an objective that there is not or that
        needs ratings, limits that leave nothing.
    """
    names = ("load_mw", "load_mvar")
    low, high = _limit(limits.voltage_min_pu, 0.0), _limit(limits.voltage_max_pu, np.inf)
    read = [_load(network, name, load) for name, load in zip(names, loads, strict=True)]
    findings = [
        *_load_findings(dict(zip(names, read, strict=True)), len(network.buses)),
        *_objective_findings(network, objective),
    ]
    if sum(load is None for load in loads) == 1:
        findings.append("Only one of load_mw and load_mvar is given: give both, or neither.")
    if not 0 <= low < high:
        findings.append(
            f"The voltages are to be from {limits.voltage_min_pu!r} to {limits.voltage_max_pu!r} "
            f"p.u.: give a lower limit of at least 0 and a higher one above it, or None."
        )
    if all(load is None for load in loads):
        findings += voltage_dependent(network.tables)
    if findings:
        raise NetworkError(findings)
    if any(load is not None for load in loads):
        network = network.with_loads(*read)
    return Evaluator(network, read[0], read[1], objective, low, high)


def _limit(given: object, without: float) -> float:
    """Return a limit; NaN, which is refused, for what is no number."""
    if given is None:
        return without
    return float(given) if isinstance(given, Real) else np.nan


def _load(network: Network, name: str, load: ArrayLike | None) -> FloatArray:
    """Return what was given, or the network's own loads less its generation."""
    if load is None:
        buses = network.buses
        net = buses[name] - buses[name.replace("load", "generation")]
        return np.asarray(net, np.float64)
    try:
        return np.asarray(load, np.float64)
    except (TypeError, ValueError) as reason:
        raise NetworkError([f"{name} holds no numbers ({reason}): give MW and MVAr."]) from reason


def _load_findings(loads: dict[str, FloatArray], buses: int) -> Iterator[str]:
    for name, load in loads.items():
        if load.shape != (buses,):
            yield f"{name} has shape {load.shape}: give one figure for each of the {buses} buses."
        elif not np.isfinite(load).all():
            yield f"{name} is not finite at {int((~np.isfinite(load)).sum())} buses: give numbers."


def _objective_findings(network: Network, objective: str) -> Iterator[str]:
    if objective not in OBJECTIVES:
        yield (
            f"There is no objective {objective!r}{did_you_mean(str(objective), OBJECTIVES)}: "
            f"use {', '.join(OBJECTIVES)}."
        )
    elif objective == "balance" and not (network.branches["rating_ka"] < UNRATED_KA).any():
        yield (
            f"No branch of {network.name!r} has a rating, so that there is no loading to balance: "
            f"give rating_ka of the lines, or choose the objective loss or voltage."
        )
