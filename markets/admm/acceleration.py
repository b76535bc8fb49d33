"""Anderson acceleration of ADMM, from scalars that the parties report.

A round maps the state v of all parties to T(v), and its steps g = T(v) - v vanish at the end. From
the inner products of the last steps alone follow weights, adding up to 1, with which the outcomes
T(v) of these rounds mix to a state whose step would be least if T were linear. Each party mixes its
own outcomes by the weights; nobody shows any. A mix that leads to a greater step is taken back.
"""

from collections.abc import Mapping

import numpy as np

_RIDGE = 1e-10
# Differences of steps below this share of the steps, squared, are rounding.
_ROUNDING = 1e-14
# A mix that leans further than this on differences is no mix any more.
_FARTHEST = 100.0
# A mix after which steps are longer than this, against those before it, is taken back.
_GROWTH = 2.0


class Acceleration:
    """Which outcomes of the last rounds the next one begins from.

    Parameters
    ----------
    memory : int
        Rounds to mix; 0 for none.
    every : int
        Rounds from mix to mix.
    """

    def __init__(self, memory: int = 10, every: int = 5) -> None:
        self._memory, self._every = memory, every
        self._products: dict[tuple[int, int], float] = {}
        self._tried: tuple[int, float] | None = None
        self.window: list[int] = []

    def forget(self) -> None:
        """Begin anew, as after a change of rho."""
        self.window, self._products, self._tried = [], {}, None

    def weights(self, number: int, products: Mapping[int, float]) -> dict[int, float]:
        """Return the weight of each round's outcome in the state that comes next.

        Parameters
        ----------
        number : int
            The round that is over.
        products : Mapping of int to float
            Inner products of its step with those of the rounds in the window, and with itself.
        """
        if self._tried is not None:
            before, size = self._tried
            self._tried = None
            if products[number] > _GROWTH**2 * size:
                self.forget()
                return {before: 1.0}
        self._remember(number, products)
        if number % self._every or len(self.window) < 3:
            return {number: 1.0}
        mix = self._mix()
        if sum(abs(weight) for weight in mix.values()) > _FARTHEST:
            return {number: 1.0}
        self._tried = number, products[number]
        return mix

    def _remember(self, number: int, products: Mapping[int, float]) -> None:
        for known in self.window:
            self._products[known, number] = self._products[number, known] = products[known]
        self._products[number, number] = products[number]
        self.window = [*self.window, number][-self._memory - 1 :]

    def _mix(self) -> dict[int, float]:
        """Weigh differences of steps against the newest step, by least squares."""
        gram = np.array([[self._products[a, b] for b in self.window] for a in self.window])
        count = len(self.window)
        differences = np.diff(np.eye(count), axis=0).T
        normal = differences.T @ gram @ differences
        ridge = _RIDGE * np.trace(normal) + _ROUNDING * np.trace(gram)
        normal += ridge * np.eye(count - 1)
        newest = np.eye(count)[-1]
        share = np.linalg.lstsq(normal, differences.T @ gram @ newest, rcond=None)[0]
        weights = newest - differences @ share
        return dict(zip(self.window, weights.tolist(), strict=True))
