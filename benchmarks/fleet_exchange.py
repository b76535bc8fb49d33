"""The exchange that benchmarks/fleets.py measures: a feeder with three fleets.

32 nodes × 24 h on the feeder of Baran and Wu. A network operator buys at its substation at
wholesale prices and delivers over lossless branches, some of which are full in some hours.
Storages, shiftable loads and photovoltaics are three fleets, a third of the members each. Every
node has to balance in every hour, beside a load that nobody can move.

What members can do together does not depend on their number: sizes are drawn lognormal, nodes in
proportion to their load, and then all are scaled to the totals below. So costs and rounds of
different numbers of members can be compared.
"""

from collections.abc import Callable
from functools import cache

import cvxpy as cp
import numpy as np

import equigrid as eg
from equigrid.arrays import FloatArray, IntArray
from equigrid.markets.games.fleet import Fleet
from equigrid.markets.model.balance import Balance
from equigrid.scenarios.seeds import stream

HOURS, NODES = 24, range(2, 34)
HOUR = np.arange(HOURS)
# Power of all storages, shiftable loads and photovoltaics of the feeder together.
STORAGE_MW, SHIFTABLE_MW, PV_MW = 1.0, 1.5, 2.5
# What branches can carry, as a share of the peak load beyond them; those with more than LARGE_MW
# beyond are full at some hours, the small ones have room for what few members there may be.
LARGE_MW, LARGE_SHARE, SMALL_SHARE = 0.8, 0.75, 1.2
EFFICIENCY, WEAR, DISTASTE = 0.95, 2.0, 1.0
DAYLIGHT = np.clip(np.sin((HOUR - 6) / 12 * np.pi), 0.0, None)
LOAD_PROFILE = (
    0.55 + 0.2 * np.sin((HOUR - 8) / 24 * 2 * np.pi) + 0.25 * np.exp(-((HOUR - 19) ** 2) / 6)
)


def wholesale() -> FloatArray:
    """Return 24 different prices per MWh, with a valley at noon and a peak in the evening."""
    peak = 45 * np.exp(-((HOUR - 19) ** 2) / 8) + 15 * np.exp(-((HOUR - 8) ** 2) / 6)
    return np.asarray(38 + peak - 18 * DAYLIGHT + 0.37 * HOUR)


def operator() -> eg.Agent:
    """State the network by the flows of its branches: a node receives inflow less outflow.

    Shapes are (branches, hours) and (nodes, hours); branch k ends at node k + 2.
    """
    inflow, beyond = _tree()
    peak_mw = beyond @ _peaks()
    limit_mw = np.where(peak_mw > LARGE_MW, LARGE_SHARE, SMALL_SHARE) * peak_mw
    bounds = [np.tile(sign * limit_mw[:, None], (1, HOURS)) for sign in (-1.0, 1.0)]
    flow_mw = cp.Variable((len(NODES), HOURS), bounds=bounds, name="flow_mw")
    cost = wholesale() @ flow_mw[0]
    return eg.Agent("dso", cp.Problem(cp.Minimize(cost)), says={"delivered_mw": inflow @ flow_mw})


@cache
def _feeder() -> eg.Network:
    return eg.feeder("baran-wu-33")


def _tree() -> tuple[FloatArray, FloatArray]:
    """Return node × branch: what nodes receive of flows, and branch × node: what lies beyond."""
    branches = _feeder().branches
    closed = branches[branches["closed"]]
    inflow = np.zeros((len(NODES), len(NODES)))
    for start, end in zip(closed["from_bus"], closed["to_bus"], strict=True):
        inflow[int(end) - 2, int(end) - 2] = 1.0
        if int(start) > 1:
            inflow[int(start) - 2, int(end) - 2] = -1.0
    return inflow, np.linalg.inv(inflow)


def _peaks() -> FloatArray:
    """Return the feeder's loads by node, in MW."""
    return np.array([_feeder().buses["load_mw"][node] for node in NODES])


def inflexible() -> eg.Agent:
    """Return a load that just announces itself."""
    load_mw = _peaks()[:, None] * LOAD_PROFILE[None, :]
    return eg.Agent("inflexible", says={"load_mw": load_mw})


def storage() -> eg.Agent:
    """State a storage that wears and loses energy; it ends no emptier than it began."""
    power_mw, energy_mwh, begin_mwh = (cp.Parameter(name=n) for n in ("power", "energy", "begin"))
    charge_mw, discharge_mw, stored_mwh = (cp.Variable(HOURS, nonneg=True) for _ in range(3))
    change = EFFICIENCY * charge_mw - discharge_mw / EFFICIENCY
    rows = [
        (stored_mwh[0] == begin_mwh + change[0]).set_label("first stored energy"),
        (stored_mwh[1:] == stored_mwh[:-1] + change[1:]).set_label("stored energy"),
        (charge_mw <= power_mw).set_label("charging limit"),
        (discharge_mw <= power_mw).set_label("discharging limit"),
        (stored_mwh <= energy_mwh).set_label("capacity"),
        (stored_mwh[-1] >= begin_mwh).set_label("end"),
    ]
    cost = WEAR * cp.sum(charge_mw + discharge_mw)
    hears = {"power_mw": power_mw, "energy_mwh": energy_mwh, "begin_mwh": begin_mwh}
    says = {"output_mw": discharge_mw - charge_mw}
    return eg.Agent("storage", cp.Problem(cp.Minimize(cost), rows), hears, says)


def shiftable() -> eg.Agent:
    """State a load that needs its energy some time; it dislikes late hours a little."""
    limit_mw, energy_mwh = cp.Parameter(HOURS, name="limit"), cp.Parameter(name="energy")
    load_mw = cp.Variable(HOURS, nonneg=True)
    rows = [
        (load_mw <= limit_mw).set_label("when it is plugged in"),
        (cp.sum(load_mw) == energy_mwh).set_label("energy"),
    ]
    cost = DISTASTE / HOURS * (HOUR @ load_mw)
    hears = {"limit_mw": limit_mw, "energy_mwh": energy_mwh}
    return eg.Agent("shiftable", cp.Problem(cp.Minimize(cost), rows), hears, {"load_mw": load_mw})


def photovoltaic() -> eg.Agent:
    """State a roof that may give less than the sun does."""
    available_mw, output_mw = cp.Parameter(HOURS, name="available"), cp.Variable(HOURS, nonneg=True)
    rows = [(output_mw <= available_mw).set_label("sun")]
    problem = cp.Problem(cp.Minimize(0.0 * cp.sum(output_mw)), rows)
    return eg.Agent("pv", problem, {"available_mw": available_mw}, {"output_mw": output_mw})


def exchange(n: int, seed: int = 1) -> eg.Game:
    """Return the game with n members.

    Parameters
    ----------
    n : int
        At least 3.
    seed : int
        Root of the streams, one for each fleet.
    """
    counts = [n // 3, n // 3, n - 2 * (n // 3)]
    made: list[Callable[[int, np.random.Generator], Fleet]] = [_storages, _shiftables, _roofs]
    fleets = [
        make(count, stream(seed, f"fleets/{make.__name__}"))
        for make, count in zip(made, counts, strict=True)
    ]
    terms = ["dso.delivered_mw", "storages.output_mw", "roofs.output_mw"]
    terms += ["-shiftables.load_mw", "-inflexible.load_mw"]
    return eg.Game([operator(), inflexible(), *fleets], balances=[Balance("node", terms)])


def _sizes(n: int, total_mw: float, draw: np.random.Generator) -> FloatArray:
    sizes = draw.lognormal(0.0, 0.5, n)
    return total_mw * sizes / sizes.sum()


def _nodes(n: int, draw: np.random.Generator) -> IntArray:
    weights = _peaks() / _peaks().sum()
    return np.asarray(draw.choice(np.array(NODES), n, p=weights))


def _storages(n: int, draw: np.random.Generator) -> Fleet:
    power_mw = _sizes(n, STORAGE_MW, draw)
    energy_mwh = power_mw * draw.uniform(1.0, 4.0, n)
    begin_mwh = energy_mwh * draw.uniform(0.2, 0.6, n)
    data = {"power_mw": power_mw, "energy_mwh": energy_mwh, "begin_mwh": begin_mwh}
    return Fleet("storages", storage(), data, by=_nodes(n, draw), groups=NODES)


def _shiftables(n: int, draw: np.random.Generator) -> Fleet:
    there = (HOUR - draw.integers(0, HOURS, (n, 1))) % HOURS < draw.integers(6, 16, (n, 1))
    limit_mw = _sizes(n, SHIFTABLE_MW, draw)[:, None] * there
    energy_mwh = limit_mw.sum(axis=1) * draw.uniform(0.2, 0.7, n)
    data = {"limit_mw": limit_mw, "energy_mwh": energy_mwh}
    return Fleet("shiftables", shiftable(), data, by=_nodes(n, draw), groups=NODES)


def _roofs(n: int, draw: np.random.Generator) -> Fleet:
    cloud = draw.uniform(0.6, 1.0, (n, HOURS))
    available_mw = _sizes(n, PV_MW, draw)[:, None] * DAYLIGHT * cloud
    return Fleet(
        "roofs", photovoltaic(), {"available_mw": available_mw}, by=_nodes(n, draw), groups=NODES
    )
