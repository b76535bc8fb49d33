"""The best radial configuration of a feeder, with the proof that it is the best."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike

from equigrid.errors import NetworkError
from equigrid.grid.network.network import Network, require_network
from equigrid.grid.switching.configurations import RadialConfigurations
from equigrid.grid.switching.evaluation import Evaluator, read_evaluator
from equigrid.grid.switching.loops import LoopGraph, loop_graph
from equigrid.grid.switching.search import SearchResult, bounded, enumerated, searched
from equigrid.grid.switching.search_effort import (
    NO_LIMITS,
    USUAL_EFFORT,
    DeprecatedKeywords,
    OperatingLimits,
    SearchEffort,
    with_deprecated,
)
from equigrid.threads import one_blas_thread


@dataclass(frozen=True)
class BestConfiguration:
    """The best switching that was found, and how much better any other could be.

    Attributes
    ----------
    objective : str
        ``loss``, ``voltage`` or ``balance``.
    network : Network
        The feeder, switched, with the loads that were given; radial.
    open_branches : tuple of str
        Names, in the order of ``network.branches``.
    loss_mw, voltage_min_pu, loading_max_percent, balance_index : float
        By the batch power flow; loadings are 0 where no branch has a rating. The index is the sum
        of squared loadings, 1 for a branch at its rating.
    loss_ac_mw : float
        Losses by pandapower, which is independent of the batch.
    bound : float
        What no configuration beats, in the unit of the objective: MW, p.u. or the index. NaN where
        none was asked for.
    gap : float
        Distance of what was found from the bound, as a share of what was found.
    proved : bool
        Whether every configuration was evaluated, or the gap is at most what was asked for.
    method : str
        ``enumeration`` or ``branch exchange``.
    configurations : int
        So many radial ones there are, by the matrix-tree theorem.
    power_flows : int
        So many were run.
    """

    objective: str
    network: Network = field(repr=False)
    open_branches: tuple[str, ...]
    loss_mw: float
    voltage_min_pu: float
    loading_max_percent: float
    balance_index: float
    loss_ac_mw: float
    bound: float
    gap: float
    proved: bool
    method: str
    configurations: int
    power_flows: int


@one_blas_thread()
def best_configuration(
    network: Network,
    load_mw: ArrayLike | None = None,
    load_mvar: ArrayLike | None = None,
    *,
    objective: str = "loss",
    switchable: Sequence[str] | None = None,
    limits: OperatingLimits = NO_LIMITS,
    effort: SearchEffort = USUAL_EFFORT,
    progress: Callable[[str], None] | None = None,
    **deprecated: Unpack[DeprecatedKeywords],
) -> BestConfiguration:
    """Find the radial configuration of a feeder with the least losses, say.

    Up to ``effort.enumerate_up_to`` configurations are all evaluated, which is a proof. Of more,
    branch exchange looks for the best: first from several configurations, one exchange at a time,
    then from the best of those until no two exchanges together are better; all candidates of a step
    are one batch of AC power flows. A mixed-integer relaxation then bounds what any configuration
    could reach; it may take minutes, and comes upon better configurations in passing.

    Parameters
    ----------
    network : Network
        Ties included; bus switches keep their state.
    load_mw, load_mvar : array (N,), optional
        Net consumption by bus; the network's own loads less its generation when left out.
    objective : {"loss", "voltage", "balance"}
        Least losses, the highest of the lowest voltages, or the least sum of squared loadings
        (Baran and Wu's index of load balance), which needs ratings.
    switchable : sequence of str, optional
        Names of the branches that may be opened and closed, those out of service included; every
        line when left out. The others keep their state.
    limits : OperatingLimits
        What the configuration has to keep at every bus; no limits when left out.
    effort : SearchEffort
        How many configurations to evaluate, how many random starts, how far to prove.
    progress : callable, optional
        Called with a sentence on what is being done.
    **deprecated
        Fields of ``limits`` and ``effort`` as keywords of their own, as they were given before.

    Returns
    -------
    BestConfiguration
        The first of several that are equally good.

    Raises
    ------
    NetworkError
        When the input is unusable, when branches that cannot be opened form a loop or buses cannot
        be reached, or when no configuration was found that keeps the limits.

    Notes
    -----
    The bound holds for configurations with losses below all loads together and voltages from 0.8
    to 1.2 p.u., to the tolerances of HiGHS (1e-6).

    Examples
    --------
    >>> import equigrid as eg
    >>> best = eg.best_configuration(eg.feeder("baran-wu-33"))
    >>> best.open_branches
    ('line 7', 'line 9', 'line 14', 'line 32', 'tie 37')
    >>> round(best.loss_mw, 5), best.proved, best.configurations
    (0.13955, True, 50751)
    """
    require_network(network)
    limits, effort = with_deprecated(limits, effort, deprecated)
    evaluator, graph, _ = _together(
        lambda: read_evaluator(network, (load_mw, load_mvar), objective, limits),
        lambda: loop_graph(network, switchable),
        lambda: _refuse(list(effort.findings())),
    )
    result, count = _searched(evaluator, graph, effort, progress or (lambda _: None))
    return _best(evaluator, count, result, effort.gap)


def _searched(
    evaluator: Evaluator, graph: LoopGraph, effort: SearchEffort, progress: Callable[[str], None]
) -> tuple[SearchResult, int]:
    """Return the best of all configurations, proved or bounded, and how many there are."""
    configurations = RadialConfigurations(graph)
    progress(f"{configurations.count:,} radial configurations")
    if configurations.count <= effort.enumerate_up_to:
        result = enumerated(evaluator, configurations)
    else:
        result = searched(evaluator, graph, effort)
        _refuse_none(evaluator, result)
        result = bounded(evaluator, graph, result, effort, progress)
    _refuse_none(evaluator, result)
    return result, configurations.count


def _together(*steps: Callable[[], Any]) -> list[Any]:
    """Take all steps; refuse everything that is wrong with any of them at once."""
    results: list[Any] = []
    findings: list[str] = []
    for step in steps:
        try:
            results.append(step())
        except NetworkError as refused:
            findings.extend(refused.findings)
    _refuse(findings)
    return results


def _refuse(findings: Sequence[str]) -> None:
    if findings:
        raise NetworkError(findings)


def _refuse_none(evaluator: Evaluator, result: SearchResult) -> None:
    if np.isfinite(result.score):
        return
    limits = (
        f" with voltages from {evaluator.voltage_min_pu:g} to {evaluator.voltage_max_pu:g} p.u."
        if evaluator.limited
        else ""
    )
    raise NetworkError(
        [
            f"None of {result.power_flows} radial configurations of {evaluator.network.name!r} "
            f"carries the loads{limits}: lower the "
            f"loads{', or widen the limits' if limits else ''}."
        ]
    )


def _best(
    evaluator: Evaluator, count: int, result: SearchResult, gap_asked: float
) -> BestConfiguration:
    names = evaluator.network.branches["name"]
    state = dict(zip(names, result.closed.tolist(), strict=True))
    network = evaluator.network.with_closed(state)
    figures = evaluator.flow(result.closed[None]).results
    best, bound = evaluator.sign * result.score, evaluator.sign * result.bound
    gap = abs(best - bound) / max(abs(best), 1e-12)
    return BestConfiguration(
        objective=evaluator.objective,
        network=network,
        open_branches=tuple(names[~result.closed]),
        loss_mw=float(figures["loss_mw"][0]),
        voltage_min_pu=float(figures["voltage_min_pu"][0]),
        loading_max_percent=float(figures["loading_max_percent"][0]),
        balance_index=float(evaluator.balance_index(figures["branch_current_ka"])[0]),
        loss_ac_mw=_loss_by_pandapower(network, evaluator),
        bound=bound,
        gap=gap,
        proved=result.method == "enumeration" or gap <= gap_asked,
        method=result.method,
        configurations=count,
        power_flows=result.power_flows,
    )


def _loss_by_pandapower(network: Network, evaluator: Evaluator) -> float:
    from equigrid.grid.ac import ac_check  # noqa: PLC0415  pandapower is heavy

    loads = (load[:, None] for load in evaluator.loads)
    return float(ac_check(network, *loads).loss_mw[0])
