"""Block of an optimisation model: variables and constraints of an asset or a network."""

from collections.abc import Mapping
from dataclasses import dataclass

import cvxpy as cp


@dataclass(frozen=True)
class Block:
    """Named expressions, the constraints that hold them together, and what they cost.

    Attributes
    ----------
    quantities : Mapping of str to cvxpy.Expression
        What others may refer to, by name with unit (``power_mw``, ``stored_mwh``).
    constraints : tuple of cvxpy.Constraint
        Each labelled with paper letter, equation number and a short name.
    cost : cvxpy.Expression or float
        In the currency of the study, 0 where the block costs nothing.
    """

    quantities: Mapping[str, cp.Expression]
    constraints: tuple[cp.Constraint, ...] = ()
    cost: cp.Expression | float = 0.0

    def __getitem__(self, name: str) -> cp.Expression:
        """Return the quantity of that name."""
        return self.quantities[name]
