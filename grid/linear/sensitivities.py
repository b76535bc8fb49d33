"""Sensitivities z of paper A, taken at the exact operating point of each column.

How voltages, mid-line flows and losses change with the net load of each bus: z^q and z^p of A(26),
z^l of A(30), z^v of A(24). All come from the tangent of the power flow equations in
:mod:`equigrid.grid.linear.lindistflow`, so at the operating point they are the AC power flow.
"""

from dataclasses import dataclass

import cvxpy as cp
import numpy as np
from numpy.typing import ArrayLike

from equigrid.arrays import BoolArray, FloatArray, IntArray
from equigrid.errors import NetworkError
from equigrid.grid.linear.affine import AffineMap
from equigrid.grid.linear.lindistflow import linearise, operating_point
from equigrid.grid.linear.radial import radial_matrices
from equigrid.grid.linear.redundant_limits import needed
from equigrid.grid.network.network import Network
from equigrid.grid.network.tables import UNRATED_KA
from equigrid.threads import one_blas_thread


@dataclass(frozen=True)
class Sensitivities:
    """Affine voltages, flows and losses at an operating point per column (scenario and hour).

    Attributes
    ----------
    columns : array of int (K,)
        The scenario-hours that are expanded here.
    voltage_pu : AffineMap
        Of each bus, (N, K).
    flow_mw : AffineMap
        Mid-line active flow of each branch, (B, K), from ``from_bus`` to ``to_bus``.
    loss_mw : AffineMap
        Of the whole network, (1, K).
    flow_limit_mw : array (B, K)
        Greatest active flow beside the reactive flow of the operating point, such that the
        current keeps to the rating; infinite for branches without one.
    """

    columns: IntArray
    voltage_pu: AffineMap
    flow_mw: AffineMap
    loss_mw: AffineMap
    flow_limit_mw: FloatArray

    def loading(self, load_mw: FloatArray, load_mvar: FloatArray) -> FloatArray:
        """Return flows as a share of their limits (B, K) at net loads (N, K)."""
        flow = np.abs(self.flow_mw.values(load_mw, load_mvar))
        return np.asarray(flow / self.flow_limit_mw, dtype=np.float64)

    def limits(
        self,
        load_mw: cp.Expression,
        load_mvar: FloatArray,
        voltage_pu: tuple[ArrayLike, ArrayLike],
        bounds: tuple[FloatArray, FloatArray],
        newest: BoolArray,
        labels: tuple[str, str],
    ) -> list[cp.Constraint]:
        """Return the voltage and flow limits that can bind within bounds, at most four.

        Parameters
        ----------
        load_mw : cvxpy expression (N, C)
            Net consumption in all scenario-hours.
        load_mvar : array (N, C)
        voltage_pu : pair of float or array (N,)
            Least and greatest voltage.
        bounds : pair of arrays (N, C)
            Least and greatest net load that the caller's own constraints allow. Rows that others
            imply all over them are left out, see :mod:`equigrid.grid.linear.redundant_limits`.
        newest : array of bool (K,)
            Where no other tangent is nearer. The upper voltage limit and the limit of flows
            towards the source are not convex: only the newest tangent states them.
        labels : pair of str
            Of the voltage limits and of the flow limits.
        """
        at, reactive = self.columns, load_mvar[:, self.columns]
        within = bounds[0][:, at], bounds[1][:, at]
        constraints = []
        for label, quantity, limit, wanted in self._rows(voltage_pu, newest, labels):
            keep = needed(quantity.at_reactive(reactive), limit, within) & wanted
            if keep.any():
                most = np.broadcast_to(limit, keep.shape).T[keep.T]
                row = quantity.selected(keep, load_mw[:, at], reactive) <= most
                constraints.append(row.set_label(label))
        return constraints

    def _rows(
        self, voltage_pu: tuple[ArrayLike, ArrayLike], newest: BoolArray, labels: tuple[str, str]
    ) -> list[tuple[str, AffineMap, FloatArray, BoolArray]]:
        """Every kind of limit: its label, what is at most what, and in which columns."""
        low, high = (np.reshape(np.asarray(v, float), (-1, 1)) for v in voltage_pu)
        always = np.ones_like(newest)
        return [
            (f"{labels[0]}, lower", -self.voltage_pu, -low, always),
            (f"{labels[0]}, upper", self.voltage_pu, high, newest),
            (f"{labels[1]}, forward", self.flow_mw, self.flow_limit_mw, always),
            (f"{labels[1]}, backward", -self.flow_mw, self.flow_limit_mw, newest),
        ]

    def kept(self, keep: BoolArray) -> "Sensitivities":
        """Return some of the columns, where ``keep`` (K,) holds."""
        return Sensitivities(
            self.columns[keep],
            self.voltage_pu.of(keep),
            self.flow_mw.of(keep),
            self.loss_mw.of(keep),
            self.flow_limit_mw[:, keep],
        )


@one_blas_thread()
def sensitivities(
    network: Network,
    load_mw: ArrayLike,
    load_mvar: ArrayLike,
    columns: IntArray | None = None,
) -> Sensitivities:
    """Expand a radial network at the exact operating point of each column.

    Parameters
    ----------
    network : Network
        Radial, with one source.
    load_mw, load_mvar : array (N, C)
        Net consumption at the operating point.
    columns : array of int (K,), optional
        Which columns to expand; all of them without it.

    Raises
    ------
    NetworkError
        When the network is not radial or has elements the equations do not cover, a column has
        no operating point, or reactive power alone takes more than a branch's rating.
    """
    at = np.arange(np.shape(load_mw)[1]) if columns is None else columns
    active, reactive = (np.asarray(load, float)[:, at] for load in (load_mw, load_mvar))
    maps = linearise(network, active, reactive).maps
    squared = maps["voltage_squared_pu"]
    voltage = np.sqrt(squared.values(active, reactive))
    half = 1 / (2 * voltage)
    loss = maps["loss_mw"]
    return Sensitivities(
        columns=at,
        voltage_pu=AffineMap(
            squared.constant * half + voltage / 2,
            squared.active * half.T[:, :, None],
            squared.reactive * half.T[:, :, None],
        ),
        flow_mw=maps["flow_mw"],
        loss_mw=AffineMap(
            loss.constant.sum(axis=0, keepdims=True),
            loss.active.sum(axis=1, keepdims=True),
            loss.reactive.sum(axis=1, keepdims=True),
        ),
        flow_limit_mw=_flow_limits(
            network, operating_point(radial_matrices(network), active, reactive)
        ),
    )


def exact(
    network: Network, load_mw: FloatArray, load_mvar: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the voltages (N, C) and shares of flow limits (B, C) of the power flow equations.

    Parameters
    ----------
    network : Network
    load_mw, load_mvar : array (N, C)
        Net consumption.

    Raises
    ------
    NetworkError
        As :func:`sensitivities`.
    """
    matrices = radial_matrices(network)
    state = operating_point(matrices, load_mw, load_mvar)
    flow = np.zeros((len(network.branches), load_mw.shape[1]))
    flow[matrices.tree.branch] = np.abs(matrices.flow.real @ state)
    limits = _flow_limits(network, state)
    return np.sqrt(matrices.voltage @ state), np.asarray(flow / limits, np.float64)


def _flow_limits(network: Network, state: FloatArray) -> FloatArray:
    """Take off a rating what the reactive flow at the operating point uses of it."""
    matrices = radial_matrices(network)
    tree, branches = matrices.tree, network.branches
    rating_ka = branches["rating_ka"].to_numpy()[tree.branch]
    rated = rating_ka < UNRATED_KA
    apparent = (rating_ka / tree.base_ka)[:, None] ** 2 * (matrices.middle @ state)
    room = np.where(rated[:, None], apparent - (matrices.flow.imag @ state) ** 2, np.inf)
    if full := [branches["name"].iloc[b] for b in tree.branch[(room < 0).any(axis=1)]]:
        raise NetworkError(
            f"Reactive power alone takes more than the rating of branch {name!r}: raise its "
            f"rating_ka or compensate the loads behind it."
            for name in full
        )
    limits = np.full((len(branches), state.shape[1]), np.inf)
    limits[tree.branch] = np.sqrt(room)
    return limits
