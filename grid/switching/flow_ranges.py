"""Ranges of voltages, currents and flows in configurations no worse than the best known."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from equigrid.arrays import ComplexArray, FloatArray
from equigrid.grid.switching.evaluation import Evaluator
from equigrid.grid.switching.scaled_feeder import ScaledFeeder

_LOWEST_PU, _HIGHEST_PU = 0.8, 1.2


@dataclass(frozen=True)
class Ranges:
    """What every configuration keeps that is no worse than the best known.

    Attributes
    ----------
    cutoff : float
        Objective of the best known, in units of the relaxation.
    v_low, v_high : array (n,)
        Squared voltages.
    squared_high : array (m,)
        Squared currents.
    p_low, q_low : array (n,)
        Least that arrives where all that a branch feeds begins at this node.
    p_high, q_high : float
        Most that leaves by one branch.
    """

    cutoff: float
    v_low: FloatArray
    v_high: FloatArray
    squared_high: FloatArray
    p_low: FloatArray
    q_low: FloatArray
    p_high: float
    q_high: float


def ranges(evaluator: Evaluator, feeder: ScaledFeeder, best: float) -> Ranges:
    """Derive ranges from the score of the best known configuration.

    Losses are sums of r I^2, so that those below the best known bound the drop along any path:
    |z| I adds up to at most sqrt(losses) sqrt(sum of |z|^2 / r), by Cauchy and Schwarz.
    """
    loss, cutoff = feeder.total, best
    if evaluator.objective == "loss":
        loss = cutoff = best / feeder.base_mva
    elif evaluator.objective == "voltage":
        cutoff = -(best**2)
    p_reach = _demand(feeder, feeder.p, lambda y: y.real)
    q_reach = _demand(feeder, feeder.q, lambda y: -y.imag)
    passive = bool((np.r_[p_reach[0], q_reach[0], feeder.x] >= 0).all())
    v_low, v_high = _voltages(evaluator, feeder, loss, passive)
    if evaluator.objective == "voltage":
        v_low = np.maximum(v_low, best**2)
    steepest = float(np.max(np.abs(feeder.x) / np.maximum(feeder.r, 1e-9), initial=0.0))
    p_high = float(p_reach[1].clip(min=0).sum()) + loss
    q_high = float(q_reach[1].clip(min=0).sum()) + min(loss * steepest, 10 * feeder.total)
    squared = np.full(len(feeder.r), (p_high**2 + q_high**2) / v_low.min())
    losing = (feeder.r > 0) & (feeder.lossy > 0)
    squared[losing] = np.minimum(squared[losing], loss / feeder.r[losing])
    if evaluator.objective == "balance":
        rated = feeder.loading > 0
        squared[rated] = np.minimum(squared[rated], cutoff / feeder.loading[rated])
    p_low, q_low = _arriving(p_reach[0]), _arriving(q_reach[0])
    return Ranges(cutoff, v_low, v_high, squared, p_low, q_low, p_high, q_high)


def _voltages(
    evaluator: Evaluator, feeder: ScaledFeeder, loss: float, passive: bool
) -> tuple[FloatArray, FloatArray]:
    """Return the range of squared voltages; in passive feeders none is above all sources."""
    nodes = len(feeder.p)
    low = np.full(nodes, max(_LOWEST_PU, evaluator.voltage_min_pu))
    high = np.full(nodes, min(_HIGHEST_PU, evaluator.voltage_max_pu))
    if ((feeder.r > 0) & (feeder.lossy > 0) & (feeder.ratio_squared == 1)).all():
        steepness = (feeder.r**2 + feeder.x**2) / feeder.r
        longest = np.sort(steepness)[len(feeder.source) - nodes :]
        drop = float(np.sqrt(loss * longest.sum()))
        at_source = np.sqrt(feeder.source_squared)
        low = np.maximum(low, at_source.min() - drop)
        high = np.minimum(high, at_source.max() + (0.0 if passive else drop))
    # Sources keep their voltages, whatever the limits.
    low[feeder.source] = high[feeder.source] = np.sqrt(feeder.source_squared)
    return low**2, high**2


def _demand(
    feeder: ScaledFeeder, power: FloatArray, consumed: Callable[[ComplexArray], FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Return the least and the most that every node may take, shunts and charging included."""
    low, high = power.copy(), power.copy()
    nodes = np.arange(len(power))
    for node, admittance in (
        (nodes, feeder.shunt),
        (feeder.from_node, feeder.shunt_from / feeder.ratio_squared),
        (feeder.to_node, feeder.shunt_to),
    ):
        taken = consumed(admittance) * _HIGHEST_PU**2
        np.add.at(low, node, taken.clip(max=0))
        np.add.at(high, node, taken.clip(min=0))
    return low, high


def _arriving(low: FloatArray) -> FloatArray:
    """Return the least that all nodes of a subtree may take together, by its first one."""
    below_zero = low.clip(max=0)
    result: FloatArray = below_zero.sum() - below_zero + low
    return result
