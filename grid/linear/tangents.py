"""Linear network of tangents to the AC power flow, taken anew where answers come to lie.

Losses and flows away from the source are convex in the loads, voltages concave. So tangents at
several points hold together: the greatest loss and the least voltage among them are the nearest to
the AC power flow, and no limit of theirs excludes what AC allows.

But each kink between two tangents is a price that the true losses do not have, and a leader who is
paid at such prices looks for it. So a column has one tangent, the newest, as long as its answer
settles. The answer of a column that is expanded again and again lies between points: from the
second time on it keeps its tangents, and settles at a kink, ever nearer to the AC power flow.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cvxpy as cp
import numpy as np
from numpy.typing import ArrayLike

from equigrid.arrays import BoolArray, FloatArray, IntArray
from equigrid.grid.linear.sensitivities import Sensitivities, exact, sensitivities
from equigrid.grid.network.network import Network

_BETWEEN = 2  # the renewal from which on a column counts as lying between points
_AT_LIMITS = 20.0


@dataclass(frozen=True, eq=False)
class Tangents:
    """Expansions of all columns (scenario-hours), some at several points.

    Attributes
    ----------
    network : Network
    parts : tuple of Sensitivities
        The newest last.
    renewals : array of int (C,)
        How often each column was expanded anew.
    """

    network: Network
    parts: tuple[Sensitivities, ...]
    renewals: IntArray

    def values(self, load_mw: FloatArray, load_mvar: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the voltages (N, C) and shares of flow limits (B, C) at net loads (N, C)."""
        voltage = np.full(load_mw.shape, np.inf)
        loading = np.zeros((len(self.network.branches), load_mw.shape[1]))
        for part in self.parts:
            at = part.columns
            loads = load_mw[:, at], load_mvar[:, at]
            voltage[:, at] = np.minimum(voltage[:, at], part.voltage_pu.values(*loads))
            loading[:, at] = part.loading(*loads)
        return voltage, loading

    def errors(
        self, load_mw: FloatArray, load_mvar: FloatArray, voltage_pu: tuple[ArrayLike, ArrayLike]
    ) -> FloatArray:
        """Return how far each column (C,) is from AC: voltages of nominal, flows of their limits.

        What AC is beyond a limit counts twenty times: there the difference is a violation.

        Parameters
        ----------
        load_mw, load_mvar : array (N, C)
        voltage_pu : pair of float or array (N,)
            Least and greatest voltage.

        Raises
        ------
        NetworkError
            When a column has no operating point.
        """
        voltage, loading = exact(self.network, load_mw, load_mvar)
        low, high = (np.reshape(np.asarray(v, float), (-1, 1)) for v in voltage_pu)
        linear = self.values(load_mw, load_mvar)
        apart = (
            np.abs(voltage - linear[0]),
            np.abs(loading - linear[1]),
            _AT_LIMITS * np.maximum(low - voltage, voltage - high),
            _AT_LIMITS * (loading - 1),
        )
        return np.asarray(np.max([part.max(axis=0) for part in apart], axis=0))

    def renewed(self, load_mw: FloatArray, load_mvar: FloatArray, columns: IntArray) -> "Tangents":
        """Expand columns at net loads (N, C).

        Parameters
        ----------
        load_mw, load_mvar : array (N, C)
        columns : array of int
            May be empty.
        """
        if not columns.size:
            return self
        renewals = self.renewals.copy()
        renewals[columns] += 1
        again = np.isin(np.arange(len(renewals)), columns)
        stays = ~again | (renewals >= _BETWEEN)
        older = [part.kept(stays[part.columns]) for part in self.parts]
        new = sensitivities(self.network, load_mw, load_mvar, columns)
        kept = tuple(part for part in older if part.columns.size)
        return Tangents(self.network, (*kept, new), renewals)

    def _with_newest(self) -> Iterator[tuple[Sensitivities, BoolArray]]:
        """Return every expansion, and in which of its columns no other is newer."""
        newest = np.zeros(len(self.renewals), dtype=int)
        for number, part in enumerate(self.parts):
            newest[part.columns] = number
        for number, part in enumerate(self.parts):
            yield part, newest[part.columns] == number

    def losses(
        self, loss_mw: cp.Expression, load_mw: cp.Expression, load_mvar: FloatArray
    ) -> list[cp.Constraint]:
        """Return that losses (C,) are no less than any tangent says of net loads (N, C)."""
        return [
            loss_mw[part.columns]
            >= cp.vec(
                part.loss_mw.expression(load_mw[:, part.columns], load_mvar[:, part.columns]),
                order="F",
            )
            for part in self.parts
        ]

    def limits(
        self,
        load_mw: cp.Expression,
        load_mvar: FloatArray,
        voltage_pu: tuple[ArrayLike, ArrayLike],
        bounds: tuple[FloatArray, FloatArray],
        labels: tuple[str, str],
    ) -> list[cp.Constraint]:
        """Return the limits of all tangents, see :meth:`Sensitivities.limits`."""
        return [
            constraint
            for part, newest in self._with_newest()
            for constraint in part.limits(load_mw, load_mvar, voltage_pu, bounds, newest, labels)
        ]


def tangents(network: Network, load_mw: ArrayLike, load_mvar: ArrayLike) -> Tangents:
    """Expand all columns at net loads (N, C).

    Raises
    ------
    NetworkError
        As :func:`equigrid.grid.linear.sensitivities.sensitivities`.
    """
    first = sensitivities(network, load_mw, load_mvar)
    return Tangents(network, (first,), np.zeros(len(first.columns), dtype=np.int64))
