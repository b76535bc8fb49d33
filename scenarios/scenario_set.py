"""What may happen: one value per scenario and hour for each uncertain quantity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType

import numpy as np

from equigrid.arrays import FloatArray


@dataclass(frozen=True, eq=False)
class ScenarioSet:
    """Scenarios with probabilities.

    Parameters
    ----------
    values : Mapping of str to array of shape (S, T)
        One array per uncertain quantity, named with its unit.
    probability : array of shape (S,)
        Positive, adding up to 1.

    Raises
    ------
    ValueError
        When shapes differ or probabilities are no distribution.

    Examples
    --------
    >>> two = ScenarioSet({"load_mw": [[1.0, 2.0], [3.0, 4.0]]}, [0.25, 0.75])
    >>> two.expected("load_mw").tolist()
    [2.5, 3.5]
    """

    values: Mapping[str, FloatArray]
    probability: FloatArray

    def __post_init__(self) -> None:
        """Turn into arrays and check."""
        probability = np.asarray(self.probability, dtype=float)
        arrays = {name: np.asarray(value, dtype=float) for name, value in self.values.items()}
        object.__setattr__(self, "probability", probability)
        object.__setattr__(self, "values", MappingProxyType(arrays))
        if probability.ndim != 1 or not _is_distribution(probability):
            raise ValueError("probabilities of scenarios must be positive and add up to 1")
        hours = {array.shape[-1:] for array in arrays.values()}
        for name, array in arrays.items():
            if array.ndim != 2 or array.shape[0] != len(probability):
                raise ValueError(
                    f"scenario quantity '{name}' has shape {array.shape}; it must be "
                    f"({len(probability)}, hours)"
                )
        if len(hours) > 1:
            raise ValueError("all scenario quantities must have the same number of hours")

    def __len__(self) -> int:
        """Return the number of scenarios S."""
        return len(self.probability)

    def __getitem__(self, name: str) -> FloatArray:
        """Return the values of a quantity, shape (S, T)."""
        return self.values[name]

    def expected(self, name: str) -> FloatArray:
        """Return the expectation of a quantity, shape (T,)."""
        return np.asarray(self.probability @ self.values[name])


def _is_distribution(probability: FloatArray) -> bool:
    return bool((probability >= 0).all() and abs(probability.sum() - 1) <= 1e-9)


@dataclass(frozen=True, eq=False)
class Branch:
    """One level of a scenario tree: a quantity's outcomes (K, T) with their weights (K,)."""

    name: str
    outcomes: FloatArray
    weights: FloatArray


def scenario_tree(branches: Sequence[Branch]) -> ScenarioSet:
    """Combine independent quantities into all their joint scenarios, the last varying fastest.

    Parameters
    ----------
    branches : sequence of Branch

    Examples
    --------
    >>> import numpy as np
    >>> load = Branch("load", np.array([[1.0], [2.0]]), np.array([0.4, 0.6]))
    >>> sun = Branch("sun", np.array([[0.0], [5.0]]), np.array([0.5, 0.5]))
    >>> tree = scenario_tree([load, sun])
    >>> tree["load"].ravel().tolist(), tree.probability.tolist()
    ([1.0, 1.0, 2.0, 2.0], [0.2, 0.2, 0.3, 0.3])
    """
    picks = list(product(*(range(len(branch.weights)) for branch in branches)))
    values = {
        branch.name: np.array([branch.outcomes[pick[level]] for pick in picks])
        for level, branch in enumerate(branches)
    }
    weights = [[b.weights[k] for b, k in zip(branches, pick, strict=True)] for pick in picks]
    return ScenarioSet(values, np.prod(weights, axis=1))
