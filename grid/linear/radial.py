"""Matrices of a radial network: flows, losses and voltages as functions of loads and currents.

Per unit on 1 MVA and the nominal voltages. With mid-line flows (f active, g reactive), the squared
current l of each branch and the squared voltage v of each bus, paper E's network equations are
linear but for E(5), and become matrices over the state ``z = [1, p, q, l]``:

- E(2), E(3): ``f`` is what the buses below a branch take, the losses ``R l`` of the branches below
  it, and half of its own;
- E(4): ``v_parent - v_child = 2 (R f + X g)``, exact because f and g are taken at mid-line;
- E(5): ``l m = f^2 + g^2`` with the squared mid-line voltage
  ``m = (v_parent + v_child) / 2 - (R^2 + X^2) l / 4``.

Shunts and line charging take power in proportion to v and so stay exactly linear.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from equigrid.arrays import ComplexArray, FloatArray, IntArray
from equigrid.errors import NetworkError
from equigrid.grid.network.components import steps_from
from equigrid.grid.network.network import Network


@dataclass(frozen=True)
class Tree:
    """Closed branches, seen from the sources: one tree for each.

    Attributes
    ----------
    branch : array of int (L,)
        Position of each closed branch among the B branches of the network.
    parent, child : array of int (L,)
        Positions of its two buses, the one nearer to its source first.
    sign : array (L,)
        1 where the branch's ``from_bus`` is the parent, else -1.
    below : array (L, N)
        1 where the branch feeds the bus.
    impedance : complex array (L,)
        R + j X in p.u. on 1 MVA.
    base_ka : array (L,)
        Current (kA) of 1 MVA at nominal voltage, on the side of ``from_bus``.
    """

    branch: IntArray
    parent: IntArray
    child: IntArray
    sign: FloatArray
    below: FloatArray
    impedance: ComplexArray
    base_ka: FloatArray


@dataclass(frozen=True)
class RadialMatrices:
    """The linear part of the network equations over ``z = [1, p, q, l]``, Z = 1 + 2N + L.

    Attributes
    ----------
    tree : Tree
        The closed branches.
    supply : array (1, Z)
        Active power (MW) entering at all sources, E(2).
    flow : complex array (L, Z)
        Mid-line flows f + j g (MW, MVAr) away from the sources.
    loss : array (L, Z)
        Losses (MW), E(3).
    voltage : array (N, Z)
        Squared voltages (p.u.), E(4).
    middle : array (L, Z)
        Squared mid-line voltages (p.u.).
    current : array (L, Z)
        Squared currents (kA squared), which pick l from z.
    """

    tree: Tree
    supply: FloatArray
    flow: ComplexArray
    loss: FloatArray
    voltage: FloatArray
    middle: FloatArray
    current: FloatArray


@lru_cache(maxsize=8)  # a network never changes, and rounds of tangents ask for the same again
def radial_matrices(network: Network) -> RadialMatrices:
    """Write a radial network, each of its buses fed by one source, as matrices.

    Raises
    ------
    NetworkError
        Naming everything in the network that these equations do not cover.
    """
    if findings := [*network.radial_findings(), *uncovered(network)]:
        raise NetworkError(findings)
    tree, shunt_mva = _tree(network), shunt_consumption_mva(network)
    lines, buses = tree.below.shape
    size = 1 + 2 * buses + lines
    one, active, reactive, current = np.split(np.eye(size), [1, 1 + buses, 1 + 2 * buses])
    series_loss = tree.impedance[:, None] * current
    # What a branch carries at mid-line: all losses below it, and half of its own.
    carried = tree.below[:, tree.child] - np.eye(lines) / 2
    flow_of_loads = tree.below @ (active + 1j * reactive) + carried @ series_loss
    voltage: FloatArray = np.linalg.solve(  # shunts take power in proportion to the voltages sought
        np.eye(buses) + _voltage_drop(tree, tree.below * shunt_mva),
        _sent_squared_pu(network, tree)[:, None] * one - _voltage_drop(tree, flow_of_loads),
    ).astype(np.float64)
    middle = (voltage[tree.parent] + voltage[tree.child]) / 2
    return RadialMatrices(
        tree=tree,
        supply=(active + shunt_mva.real[:, None] * voltage).sum(axis=0, keepdims=True)
        + series_loss.real.sum(axis=0),
        flow=flow_of_loads + tree.below @ (shunt_mva[:, None] * voltage),
        loss=series_loss.real,
        voltage=voltage,
        middle=middle - (np.abs(tree.impedance) ** 2 / 4)[:, None] * current,
        current=tree.base_ka[:, None] ** 2 * current,
    )


def _sent_squared_pu(network: Network, tree: Tree) -> FloatArray:
    """Return the squared voltage of the source that feeds each bus (N,)."""
    feeding = network.sources[network.sources["in_service"]].set_index("bus")
    sent = feeding["vm_pu"].reindex(network.buses.index).to_numpy(np.float64) ** 2
    for parent, child in zip(tree.parent, tree.child, strict=True):  # parents come first
        sent[child] = sent[parent]
    return np.asarray(sent, np.float64)


def _voltage_drop(tree: Tree, flow: ComplexArray) -> FloatArray:
    """Add up E(4), ``2 (R f + X g)``, along the path to each bus from its source."""
    return 2 * tree.below.T @ (tree.impedance.conj()[:, None] * flow).real


def _tree(network: Network) -> Tree:
    graph, sources = network.graph(), network.sources
    roots = [int(bus) for bus in sources["bus"][sources["in_service"]]]
    position = {int(bus): i for i, bus in enumerate(network.buses.index)}
    names = {name: i for i, name in enumerate(network.branches["name"])}
    steps = steps_from(graph, roots)
    below = np.zeros((len(steps), len(position)))
    for number, (parent, child) in enumerate(steps):
        below[:, position[child]] = below[:, position[parent]]
        below[number, position[child]] = 1.0
    rows = [names[next(iter(graph[parent][child]))[1]] for parent, child in steps]
    branches = network.branches.iloc[rows]
    nominal_kv = network.buses["vn_kv"].loc[branches["from_bus"]].to_numpy()
    ohm = branches["r_ohm"].to_numpy() + 1j * branches["x_ohm"].to_numpy()
    parents = [parent for parent, _ in steps]
    return Tree(
        branch=np.array(rows, np.int64),
        parent=np.array([position[parent] for parent in parents], np.int64),
        child=np.array([position[child] for _, child in steps], np.int64),
        sign=np.where(branches["from_bus"].to_numpy() == np.array(parents), 1.0, -1.0),
        below=below,
        impedance=ohm / nominal_kv**2,
        base_ka=1 / (np.sqrt(3) * nominal_kv),
    )


def shunt_consumption_mva(network: Network) -> ComplexArray:
    """Return what shunts and line charging take at nominal voltage, per bus (N,), MW + j MVAr."""
    buses = network.buses
    taken = pd.Series(0j, index=buses.index)
    shunts = network.tables["shunts"]
    for shunt in shunts[shunts["in_service"]].itertuples():
        ratio = (buses.at[shunt.bus, "vn_kv"] / shunt.vn_kv) ** 2
        taken[shunt.bus] += (shunt.p_mw + 1j * shunt.q_mvar) * ratio
    lines = network.tables["lines"]
    for line in lines[lines["in_service"]].itertuples():
        half_siemens = (line.g_us * 1e-6 + 2j * np.pi * network.f_hz * line.c_nf * 1e-9) / 2
        if half_siemens == 0:
            continue
        at_end = half_siemens
        if not (line.from_closed and line.to_closed):  # the far half is seen through the line
            at_end += 1 / (line.r_ohm + 1j * line.x_ohm + 1 / half_siemens)
        for bus, closed in ((line.from_bus, line.from_closed), (line.to_bus, line.to_closed)):
            if closed:
                taken[bus] += np.conj(at_end) * buses.at[bus, "vn_kv"] ** 2
    return np.asarray(taken, np.complex128)


def uncovered(network: Network) -> list[str]:
    """Return a sentence for everything that a network has and these equations do not cover."""
    buses, switches = network.buses, network.tables["bus_switches"]
    findings = [
        f"Bus {bus} is out of service: the linear network has no such bus, leave it out."
        for bus in buses.index[~buses["in_service"]]
    ]
    findings += [
        f"The closed bus switch between {row.from_bus} and {row.to_bus} is no branch of the "
        f"linear network: make them one bus."
        for row in switches[switches["closed"]].itertuples()
    ]
    nominal_kv = buses["vn_kv"]
    findings += [
        f"Line {row.name!r} joins {nominal_kv[row.from_bus]} kV and {nominal_kv[row.to_bus]} kV: "
        f"correct vn_kv of its buses or use a transformer."
        for row in network.tables["lines"].itertuples()
        if nominal_kv[row.from_bus] != nominal_kv[row.to_bus]
    ]
    return findings + _uncovered_transformers(network)


def _uncovered_transformers(network: Network) -> list[str]:
    nominal_kv, rows = network.buses["vn_kv"], network.tables["transformers"]
    rows = rows[rows["in_service"]]
    off_tap = sum(
        (rows[f"{tap}_pos"] - rows[f"{tap}_neutral"]).fillna(0).abs() for tap in ("tap", "tap2")
    )
    off_nominal = (rows["vn_hv_kv"] != rows["from_bus"].map(nominal_kv)) | (
        rows["vn_lv_kv"] != rows["to_bus"].map(nominal_kv)
    )
    reasons = {
        "stands off its neutral tap: set tap_pos to tap_neutral": off_tap > 0,
        "has a ratio other than that of its buses' vn_kv: make them equal": off_nominal,
        "has iron losses or a magnetising current: set pfe_kw and i0_percent to 0": (
            rows["pfe_kw"] + rows["i0_percent"] > 0
        ),
    }
    return [
        f"Transformer {name!r} {reason}; the linear network has no model for it."
        for reason, holds in reasons.items()
        for name in rows["name"][holds]
    ]
