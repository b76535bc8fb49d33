"""LinDistFlow of paper E, E(2)-E(7), expanded at an exact operating point.

The paper's squared current E(5) is not linear; here it is its tangent at an operating point, held
as an equality. So losses are a function of the loads and cannot be inflated to burn a surplus, and
at the operating point the model is the AC power flow. What follows from the equalities E(2)-E(5) is
eliminated: everything is an affine function of the net loads, and only the limits E(6) and
E(7) remain as constraints.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import cvxpy as cp
import numpy as np
from numpy.typing import ArrayLike

from equigrid.arrays import FloatArray
from equigrid.errors import NetworkError
from equigrid.grid.block import Block
from equigrid.grid.linear.affine import AffineMap, Bounds, Load, product
from equigrid.grid.linear.radial import RadialMatrices, radial_matrices
from equigrid.grid.network.network import Network
from equigrid.grid.network.tables import UNRATED_KA
from equigrid.threads import one_blas_thread

LABELS = {
    "import_mw": "E(2) network balance",
    "flow_mw": "E(2) mid-line flow",
    "loss_mw": "E(3) branch losses",
    "voltage_squared_pu": "E(4) squared voltage drop",
    "current_squared_ka": "E(5) branch current",
}
_ITERATIONS = 500
_TOLERANCE = 1e-10
_LEAST_VOLTAGE, _LARGEST_CURRENT = 1e-3, 1e9  # keep a diverging iteration finite (p.u.)


class NoOperatingPoint(NetworkError):
    """Loads that the feeder cannot carry.

    Attributes
    ----------
    columns : tuple of int
        Where there is no solution of the power flow equations.
    """

    def __init__(self, columns: Iterable[int]) -> None:
        self.columns = tuple(columns)
        named = ", ".join(map(str, self.columns))
        super().__init__(
            [f"The feeder has no operating point in column {named}: lower the load there."]
        )


@dataclass(frozen=True)
class LinearNetwork:
    """The linear network at an operating point per column (scenario and hour).

    Attributes
    ----------
    network : Network
        The feeder.
    maps : mapping of str to AffineMap
        ``import_mw`` (1, C), ``flow_mw``, ``loss_mw``, ``current_squared_ka`` (B, C) and
        ``voltage_squared_pu`` (N, C), in the order of ``network.branches`` and ``network.buses``.
    """

    network: Network
    maps: Mapping[str, AffineMap]

    def values(self, net_load_mw: ArrayLike, net_load_mvar: ArrayLike) -> dict[str, FloatArray]:
        """Evaluate all quantities at net loads.

        Parameters
        ----------
        net_load_mw, net_load_mvar : array (N, C)
            Net consumption per bus and column, MW and MVAr.

        Returns
        -------
        dict of str to array
            As in :meth:`block`: ``import_mw`` (C,), ``flow_mw`` (B, C), ...

        Raises
        ------
        ValueError
            When an array is not of shape (N, C).
        """
        active = self._load("net_load_mw", net_load_mw)
        reactive = self._load("net_load_mvar", net_load_mvar)
        result = {name: quantity.values(active, reactive) for name, quantity in self.maps.items()}
        return {**result, "import_mw": result["import_mw"][0]}

    def block(
        self,
        net_load_mw: Load,
        net_load_mvar: Load,
        voltage_min_pu: ArrayLike,
        voltage_max_pu: ArrayLike,
        *,
        net_load_bounds: Bounds = None,
        reactive_load_bounds: Bounds = None,
    ) -> Block:
        """Return E(2)-E(7) for the problem of whoever runs the network.

        Parameters
        ----------
        net_load_mw, net_load_mvar : cvxpy expression or array (N, C)
            Net consumption per bus and column, MW and MVAr.
        voltage_min_pu, voltage_max_pu : float or array (N,)
            Limits of E(7) in p.u.
        net_load_bounds, reactive_load_bounds : pair of arrays (N, C), optional
            Least and greatest net load (MW, MVAr) the caller's own constraints allow. Rows of
            E(6) and E(7) that cannot bind within them are left out. Net loads that are arrays
            are their own bounds.

        Returns
        -------
        Block
            Quantities ``import_mw`` (C,), what enters at the sources, losses included;
            ``flow_mw`` (B, C), at mid-line, from ``from_bus`` to ``to_bus``; ``loss_mw`` (B, C);
            ``voltage_squared_pu`` (N, C); ``current_squared_ka`` (B, C), in kA squared. Open
            branches have zeros. Constraints E(6) and E(7) as far as they can bind.

        Raises
        ------
        ValueError
            When a net load or a bound is not of shape (N, C), or a lower limit exceeds an upper.
        """
        active = self._load("net_load_mw", net_load_mw)
        reactive = self._load("net_load_mvar", net_load_mvar)
        bounds = (
            self._bounds("net_load_bounds", net_load_bounds, active),
            self._bounds("reactive_load_bounds", reactive_load_bounds, reactive),
        )
        lower, upper = self._squared_limits(voltage_min_pu, voltage_max_pu)
        rating_ka = self.network.branches["rating_ka"].to_numpy()
        ceiling = np.where(rating_ka < UNRATED_KA, rating_ka, np.inf) ** 2
        current, voltage = self.maps["current_squared_ka"], self.maps["voltage_squared_pu"]
        limits = (
            ("E(6) branch current", current, ceiling),
            ("E(7) lower voltage limit", -voltage, -lower),
            ("E(7) upper voltage limit", voltage, upper),
        )
        constraints = [
            constraint.set_label(label)
            for label, quantity, limit in limits
            for constraint in _at_most(quantity, limit, (active, reactive), bounds)
        ]
        return Block(self._quantities(active, reactive), tuple(constraints))

    def _quantities(self, active: Load, reactive: Load) -> dict[str, cp.Expression]:
        result = {
            name: quantity.expression(active, reactive) for name, quantity in self.maps.items()
        }
        result["import_mw"] = cp.vec(result["import_mw"], order="F")
        return {name: expression.set_label(LABELS[name]) for name, expression in result.items()}

    def _load(self, name: str, load: Load | ArrayLike) -> Load:
        """Return an expression as it is and numbers as an array, both of shape (N, C)."""
        value = load if isinstance(load, cp.Expression) else np.asarray(load, float)
        columns, _, buses = self.maps["import_mw"].active.shape
        if value.shape != (buses, columns):
            raise ValueError(
                f"{name} has shape {value.shape}: give {buses} buses by {columns} columns, the "
                f"ones the network was linearised for."
            )
        return value

    def _bounds(self, name: str, bounds: Bounds, load: Load) -> Bounds:
        if bounds is not None:
            return self._load(name, bounds[0]), self._load(name, bounds[1])
        return (load, load) if isinstance(load, np.ndarray) else None

    def _squared_limits(self, low: ArrayLike, high: ArrayLike) -> tuple[FloatArray, FloatArray]:
        buses = self.network.buses
        lower, upper = (np.broadcast_to(np.asarray(v, float), len(buses)) for v in (low, high))
        if wrong := [str(bus) for bus in buses.index[~((lower >= 0) & (lower <= upper))]]:
            raise ValueError(
                f"The lower voltage limit is negative or exceeds the upper at the buses "
                f"{', '.join(wrong)}: exchange voltage_min_pu and voltage_max_pu there."
            )
        return lower**2, upper**2


@one_blas_thread()
def linearise(network: Network, load_mw: ArrayLike, load_mvar: ArrayLike) -> LinearNetwork:
    """Expand the network at the exact operating point of each column.

    Parameters
    ----------
    network : Network
        Radial; several sources may feed a tree of their own each.
    load_mw, load_mvar : array (N, C)
        Net consumption per bus and column at the operating point, MW and MVAr. It replaces the
        loads and the generation of the network.

    Raises
    ------
    NetworkError
        When the network is not radial, has elements the equations do not cover, the arrays do not
        fit, or a column has no operating point (the feeder cannot carry its load).
    """
    matrices = radial_matrices(network)
    active, reactive = (np.asarray(load, float) for load in (load_mw, load_mvar))
    _check_shapes(len(network.buses), active, reactive)
    state = operating_point(matrices, active, reactive)
    sensitivity = _current_sensitivity(matrices, state)
    tree, open_too = matrices.tree, np.eye(len(network.branches))
    rows = {
        "import_mw": matrices.supply,
        "flow_mw": open_too[:, tree.branch] @ (tree.sign[:, None] * matrices.flow.real),
        "loss_mw": open_too[:, tree.branch] @ matrices.loss,
        "voltage_squared_pu": matrices.voltage,
        "current_squared_ka": open_too[:, tree.branch] @ matrices.current,
    }
    return LinearNetwork(
        network, {name: _eliminate(matrix, state, sensitivity) for name, matrix in rows.items()}
    )


def _check_shapes(buses: int, active: FloatArray, reactive: FloatArray) -> None:
    if active.ndim != 2 or active.shape != reactive.shape or len(active) != buses:
        raise NetworkError(
            [
                f"load_mw has shape {active.shape} and load_mvar {reactive.shape}: give both for "
                f"the same columns, shape ({buses}, columns)."
            ]
        )


def operating_point(
    matrices: RadialMatrices, load_mw: FloatArray, load_mvar: FloatArray
) -> FloatArray:
    """Return the exact state ``[1, p, q, l]`` (Z, C), iterating on the squared currents of E(5).

    Raises
    ------
    NoOperatingPoint
        Naming the columns without an operating point.
    """
    current = np.zeros((len(matrices.loss), load_mw.shape[1]))
    for _ in range(_ITERATIONS):
        state = np.vstack([np.ones((1, load_mw.shape[1])), load_mw, load_mvar, current])
        # A feeder that cannot carry its load drives the mid-line voltage through zero: the
        # iteration then stays away from a fixed point, and the column is named below.
        middle = (matrices.middle @ state).clip(min=_LEAST_VOLTAGE)
        following = np.abs(matrices.flow @ state) ** 2 / middle
        settled = np.abs(following - current) <= _TOLERANCE * (1 + current)
        if settled.all():
            return state
        current = following.clip(max=_LARGEST_CURRENT)
    raise NoOperatingPoint(np.flatnonzero(~settled.all(axis=0)).tolist())


def _current_sensitivity(matrices: RadialMatrices, state: FloatArray) -> FloatArray:
    """Return the change (C, L, 2N) of the squared currents with the loads: the tangent of E(5)."""
    lines, loads_end = len(matrices.loss), len(state) - len(matrices.loss)
    middle = (matrices.middle @ state).T[:, :, None]
    flow = (matrices.flow @ state).T[:, :, None]
    # l m - |f + j g|^2 = 0, differentiated; the first product's dl is added on the diagonal.
    slope = (
        state[loads_end:].T[:, :, None] * matrices.middle - 2 * (flow.conj() * matrices.flow).real
    )
    by_current = slope[:, :, loads_end:] + middle * np.eye(lines)
    by_load: FloatArray = np.linalg.solve(by_current, slope[:, :, 1:loads_end]).astype(np.float64)
    return -by_load


def _eliminate(rows: FloatArray, state: FloatArray, sensitivity: FloatArray) -> AffineMap:
    """Return rows over ``[1, p, q, l]`` as functions of p and q, exact at the operating point."""
    both = sensitivity.shape[2]
    slope = rows[:, 1 : 1 + both] + rows[:, 1 + both :] @ sensitivity
    constant = rows @ state - product(slope, state[1 : 1 + both])
    return AffineMap(constant, slope[:, :, : both // 2], slope[:, :, both // 2 :])


def _at_most(
    quantity: AffineMap, limit: FloatArray, loads: tuple[Load, Load], bounds: tuple[Bounds, Bounds]
) -> list[cp.Constraint]:
    """Return the rows that can exceed the limit (R,) as one constraint, none if none can."""
    keep = quantity.range(*bounds)[1] > limit[:, None]
    limits = np.broadcast_to(limit, keep.T.shape)[keep.T]
    return [quantity.selected(keep, *loads) <= limits] if keep.any() else []
