"""The standard form of an agent's problem: vectors and matrices.

Every method works on this form, so a declaration in cvxpy is solved alone, embedded as a
follower or re-solved with new prices without being stated again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from equigrid.arrays import BoolArray, FloatArray
from equigrid.markets.forms.cancellation import cleared
from equigrid.markets.forms.scaling import Units
from equigrid.markets.model.agent import Agent


@dataclass(frozen=True)
class Affine:
    """An array that is affine in an agent's columns x and in what it hears θ: Ex + Fθ + e.

    Arrays of more than one axis are flattened in column-major order, as cvxpy does.
    """

    of_columns: sparse.csr_array
    of_heard: sparse.csr_array
    constant: FloatArray
    shape: tuple[int, ...]

    def value(self, columns: FloatArray, heard: FloatArray) -> FloatArray:
        """Return the array at given columns and heard values, in its own shape."""
        flat = self.of_columns @ columns + self.of_heard @ heard + self.constant
        return np.reshape(flat, self.shape, order="F")


@dataclass(frozen=True, eq=False)
class StandardForm:
    """Minimise ½x'Qx + (c + Cθ)'x + d + d_θ'θ subject to Ax {=, ≤} b + Bθ and l ≤ x ≤ u.

    Attributes
    ----------
    agent : Agent
        The declaration; a maximised objective enters with its sign changed.
    quadratic : array of shape (n, n)
        Q, symmetric, without entries for a linear problem.
    heard : dict of str to slice
        Where each heard value stands in θ.
    said : dict of str to Affine
        What the agent says, as far as it was asked for.
    equal_rows : int
        The first rows are equalities, all others are "at most".
    variable_columns : dict of int to slice
        Columns of each cvxpy Variable by id.
    """

    agent: Agent
    quadratic: sparse.csr_array
    cost: FloatArray
    cost_of_heard: sparse.csr_array
    offset: float
    offset_of_heard: FloatArray
    matrix: sparse.csr_array
    rhs: FloatArray
    rhs_of_heard: sparse.csr_array
    equal_rows: int
    lower: FloatArray
    upper: FloatArray
    integer: BoolArray
    heard: dict[str, slice]
    said: dict[str, Affine]
    variable_columns: dict[int, slice]

    @property
    def columns(self) -> int:
        """Number of columns n."""
        return len(self.cost)

    @property
    def is_quadratic(self) -> bool:
        """Whether there is a quadratic cost."""
        return bool(self.quadratic.nnz)

    @property
    def heard_size(self) -> int:
        """Number of heard values P."""
        return len(self.offset_of_heard)

    def heard_vector(self, values: Mapping[str, FloatArray]) -> FloatArray:
        """Flatten heard values by name into θ of shape (P,)."""
        theta = np.zeros(self.heard_size)
        for name, where in self.heard.items():
            theta[where] = np.ravel(values[name], order="F")
        return theta

    def cost_at(self, heard: FloatArray) -> FloatArray:
        """Return the cost vector c + Cθ, shape (n,), with 0 where both cancel."""
        return cleared(self.cost + self.cost_of_heard @ heard, self.cost_size_at(heard))

    def rhs_at(self, heard: FloatArray) -> FloatArray:
        """Return the right-hand side b + Bθ, shape (m,), with 0 where both cancel."""
        return cleared(self.rhs + self.rhs_of_heard @ heard, self.rhs_size_at(heard))

    def cost_size_at(self, heard: FloatArray) -> FloatArray:
        """Return the sizes of what each cost is the sum of, |c| + |C||θ|, shape (n,)."""
        return np.asarray(np.abs(self.cost) + self._cost_sizes @ np.abs(heard))

    def rhs_size_at(self, heard: FloatArray) -> FloatArray:
        """Return the sizes of what each right-hand side is the sum of, |b| + |B||θ|, shape (m,)."""
        return np.asarray(np.abs(self.rhs) + self._rhs_sizes @ np.abs(heard))

    @cached_property
    def _cost_sizes(self) -> sparse.csr_array:
        return sparse.csr_array(abs(self.cost_of_heard))

    @cached_property
    def _rhs_sizes(self) -> sparse.csr_array:
        return sparse.csr_array(abs(self.rhs_of_heard))

    def objective_at(self, columns: FloatArray, heard: FloatArray) -> float:
        """Return the minimised objective."""
        constant = self.offset + self.offset_of_heard @ heard
        curved = columns @ (self.quadratic @ columns) / 2
        return float(curved + self.cost_at(heard) @ columns + constant)

    def measured(self, units: Units) -> "StandardForm":
        """Return the same form in other units; what is heard and said stays in its own."""
        width = sparse.diags_array(units.columns)
        cost = sparse.diags_array(units.columns / units.money)
        row = sparse.diags_array(1.0 / units.rows)
        return replace(
            self,
            quadratic=sparse.csr_array(cost @ self.quadratic @ width),
            cost=units.cost(self.cost),
            cost_of_heard=sparse.csr_array(cost @ self.cost_of_heard),
            offset=self.offset / units.money,
            offset_of_heard=self.offset_of_heard / units.money,
            matrix=units.matrix(self.matrix),
            rhs=self.rhs / units.rows,
            rhs_of_heard=sparse.csr_array(row @ self.rhs_of_heard),
            lower=self.lower / units.columns,
            upper=self.upper / units.columns,
            said={
                name: replace(said, of_columns=sparse.csr_array(said.of_columns @ width))
                for name, said in self.said.items()
            },
        )

    def assign(self, columns: FloatArray, heard: FloatArray) -> None:
        """Write an answer into the cvxpy Variables and Parameters of the declaration."""
        for name, where in self.heard.items():
            parameter = self.agent.hears[name]
            parameter.value = np.reshape(heard[where], parameter.shape, order="F")
        for variable in self.agent.variables():
            where = self.variable_columns[variable.id]
            variable.value = np.reshape(columns[where], variable.shape, order="F")
