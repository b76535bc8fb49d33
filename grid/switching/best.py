"""The best switching of a feeder, and how it is known to be the best."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from equigrid.errors import NetworkError
from equigrid.grid.network.network import Network, require_network
from equigrid.grid.switching.configurations import RadialConfigurations
from equigrid.grid.switching.evaluation import Evaluator, read_evaluator
from equigrid.grid.switching.loops import loop_graph
from equigrid.grid.switching.search import Limits, SearchResult, bounded, enumerated, searched
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
        Losses by pandapower, the independent judge.
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
    voltage_min_pu: float | None = None,
    voltage_max_pu: float | None = None,
    enumerate_up_to: int = 2_000_000,
    gap: float = 1e-4,
    bound_rounds: int = 10,
    bound_nodes: int = 2000,
    restarts: int = 8,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> BestConfiguration:
    """Find the radial configuration of a feeder with the least losses, say.

    Up to ``enumerate_up_to`` configurations are all evaluated, which is a proof. Of more, branch
    exchange looks for the best: first from several starts, one exchange at a time, then from the
    best of those until no two exchanges together are better; all candidates of a step are one
    batch of AC power flows. A mixed-integer relaxation then bounds what any configuration could
    reach; it may take minutes, and comes upon better configurations in passing.

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
    voltage_min_pu, voltage_max_pu : float, optional
        Limits that the configuration has to keep at every bus.
    enumerate_up_to : int
        Most configurations to evaluate one by one.
    gap : float
        The relaxation may stop where it has proved this share.
    bound_rounds : int
        Most mixed-integer programs for the bound; 0 for none.
    bound_nodes : int
        Most nodes of each.
    restarts : int
        So many random starts of branch exchange, beside its three fixed ones.
    seed : int
        Of the random starts.
    progress : callable, optional
        Told in words what is being done.

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
    counts = {
        "enumerate_up_to": enumerate_up_to,
        "bound_rounds": bound_rounds,
        "bound_nodes": bound_nodes,
        "restarts": restarts,
        "seed": seed,
    }
    limits = voltage_min_pu, voltage_max_pu
    judge, graph, _ = _together(
        lambda: read_evaluator(network, (load_mw, load_mvar), objective, limits),
        lambda: loop_graph(network, switchable),
        lambda: _refuse_counts(counts, gap),
    )
    configurations = RadialConfigurations(graph)
    told = progress or (lambda _: None)
    told(f"{configurations.count:,} radial configurations")
    if configurations.count <= enumerate_up_to:
        found = enumerated(judge, configurations)
    else:
        found = searched(judge, configurations.graph, restarts, seed)
        _refuse_none(judge, found)
        effort = Limits(bound_rounds, bound_nodes, gap)
        found = bounded(judge, configurations.graph, found, effort, told)
    _refuse_none(judge, found)
    return _told(judge, configurations.count, found, gap)


def _together(*steps: Callable[[], Any]) -> list[Any]:
    """Take all steps; tell everything that is wrong with any of them at once."""
    results: list[Any] = []
    findings: list[str] = []
    for step in steps:
        try:
            results.append(step())
        except NetworkError as refused:
            findings.extend(refused.findings)
    if findings:
        raise NetworkError(findings)
    return results


def _refuse_counts(counts: Mapping[str, Any], gap: Any) -> None:
    findings = [
        f"{name} is {count!r}: give a whole number, 0 or more."
        for name, count in counts.items()
        if not (isinstance(count, Integral) and int(count) >= 0)
    ]
    if not (isinstance(gap, Real) and float(gap) >= 0):
        findings.append(f"gap is {gap!r}: give a share, 0 or more.")
    if findings:
        raise NetworkError(findings)


def _refuse_none(judge: Evaluator, found: SearchResult) -> None:
    if np.isfinite(found.score):
        return
    limits = (
        f" with voltages from {judge.voltage_min_pu:g} to {judge.voltage_max_pu:g} p.u."
        if judge.limited
        else ""
    )
    raise NetworkError(
        [
            f"None of {found.power_flows} radial configurations of {judge.network.name!r} carries "
            f"the loads{limits}: lower the loads{', or widen the limits' if limits else ''}."
        ]
    )


def _told(judge: Evaluator, count: int, found: SearchResult, gap: float) -> BestConfiguration:
    names = judge.network.branches["name"]
    state = dict(zip(names, found.closed.tolist(), strict=True))
    network = judge.network.with_closed(state)
    figures = judge.flow(found.closed[None]).results
    best, bound = judge.sign * found.score, judge.sign * found.bound
    distance = abs(best - bound) / max(abs(best), 1e-12)
    return BestConfiguration(
        objective=judge.objective,
        network=network,
        open_branches=tuple(names[~found.closed]),
        loss_mw=float(figures["loss_mw"][0]),
        voltage_min_pu=float(figures["voltage_min_pu"][0]),
        loading_max_percent=float(figures["loading_max_percent"][0]),
        balance_index=float(judge.balance_index(figures["branch_current_ka"])[0]),
        loss_ac_mw=_judged(network, judge),
        bound=bound,
        gap=distance,
        proved=found.method == "enumeration" or distance <= gap,
        method=found.method,
        configurations=count,
        power_flows=found.power_flows,
    )


def _judged(network: Network, judge: Evaluator) -> float:
    """Return what pandapower says of the losses."""
    from equigrid.grid.ac import ac_check  # noqa: PLC0415  pandapower is heavy

    loads = (load[:, None] for load in judge.loads)
    return float(ac_check(network, *loads).loss_mw[0])
