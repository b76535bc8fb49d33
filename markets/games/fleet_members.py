"""All members of a fleet as shared matrices and a row of numbers for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import cvxpy as cp
import numpy as np
from scipy import sparse

from equigrid.arrays import FloatArray
from equigrid.markets.forms.standard_form import Affine, StandardForm
from equigrid.markets.model.agent import Agent


class Lazy(Mapping[str, Any]):
    """A mapping whose names are known and whose values are made when they are asked for."""

    def __init__(self, names: Iterable[str], make: Callable[[str], Any]) -> None:
        self._made: dict[str, Any] = {}
        self._names, self._make = tuple(names), make

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def flat_rows(values: FloatArray) -> FloatArray:
    """Flatten each row in column-major order, as cvxpy does.

    Examples
    --------
    >>> flat_rows(np.array([[[1, 2], [3, 4]]]))
    array([[1, 3, 2, 4]])
    """
    backwards = (0, *range(values.ndim - 1, 0, -1))
    return values.transpose(backwards).reshape((len(values), -1))


def shaped_rows(flat: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Give each row, flattened in column-major order, its shape back.

    Examples
    --------
    >>> shaped_rows(np.array([[1, 3, 2, 4]]), (2, 2)).tolist()
    [[[1, 2], [3, 4]]]
    """
    whole = flat.reshape((len(flat), *shape[::-1]))
    return whole.transpose((0, *range(whole.ndim - 1, 0, -1)))


@dataclass(frozen=True, eq=False)
class Members:
    """Many agents that differ in numbers only.

    Member k minimises ½x'Qx + cost[k]'x + offset[k] subject to Ax {=, ≤} rhs[k] and l ≤ x ≤ u.

    Attributes
    ----------
    form : StandardForm
        Of the member, with Q, A, l, u and the maps of what it says.
    cost : array of shape (n, columns)
    rhs : array of shape (n, rows)
    offset : array of shape (n,)
    said_constant : Mapping of str to array
        What each member says at x = 0, flattened in column-major order: shape (n, size).
    """

    form: StandardForm
    cost: FloatArray
    rhs: FloatArray
    offset: FloatArray
    said_constant: Mapping[str, FloatArray]

    @classmethod
    def hearing(cls, form: StandardForm, heard: FloatArray) -> Members:
        """Return the members that hear each a row of θ, shape (n, P)."""

        def at(constant: FloatArray | float, of_heard: Any) -> FloatArray:
            return np.asarray((of_heard @ heard.T).T + constant)

        said = {name: at(s.constant, s.of_heard) for name, s in form.said.items()}
        cost, rhs = at(form.cost, form.cost_of_heard), at(form.rhs, form.rhs_of_heard)
        return cls(form, cost, rhs, at(form.offset, form.offset_of_heard), said)

    @property
    def size(self) -> int:
        """Number of members n."""
        return len(self.cost)

    def said(self, name: str, columns: FloatArray) -> FloatArray:
        """Return what each member says at its columns of shape (n, columns): (n, *shape)."""
        said = self.form.said[name]
        flat = (said.of_columns @ columns.T).T + self.said_constant[name]
        return shaped_rows(np.asarray(flat), said.shape)

    def costs(self, columns: FloatArray) -> FloatArray:
        """Return each member's cost at its columns, shape (n,)."""
        slope = (self.form.quadratic @ columns.T).T / 2 + self.cost
        return np.asarray(np.einsum("kj,kj->k", slope, columns) + self.offset)


def side_by_side(
    agent: Agent,
    columns: cp.Variable,
    members: Members,
    common: sparse.csr_array,
    sums: sparse.csr_array,
    shapes: Mapping[str, tuple[int, ...]],
) -> StandardForm:
    """Return all members' problems as one standard form, one member's columns after another.

    Parameters
    ----------
    agent : Agent
        Whose form it is.
    columns : cvxpy.Variable
        Of all members.
    members : Members
        With everything that is heard by all at 0.
    common : sparse array of shape (P of a member, P)
        The member's θ of what all hear.
    sums : sparse array of shape (B, n)
        Which members add up to which row of what is said.
    shapes : Mapping of str to tuple of int
        Of what is said.
    """
    form, n, equal = members.form, members.size, members.form.equal_rows
    each, eye = np.ones((n, 1)), sparse.eye_array(n, format="csr")

    def tall(matrix: Any) -> sparse.csr_array:
        return sparse.csr_array(sparse.kron(each, matrix @ common, format="csr"))

    parts = [form.matrix[:equal], form.matrix[equal:]]
    heard_parts = [form.rhs_of_heard[:equal], form.rhs_of_heard[equal:]]
    return StandardForm(
        agent=agent,
        quadratic=sparse.csr_array(sparse.kron(eye, form.quadratic, format="csr")),
        cost=members.cost.ravel(),
        cost_of_heard=tall(form.cost_of_heard),
        offset=float(members.offset.sum()),
        offset_of_heard=np.asarray(n * (common.T @ form.offset_of_heard)),
        matrix=sparse.csr_array(sparse.vstack([sparse.kron(eye, p, format="csr") for p in parts])),
        rhs=np.concatenate([members.rhs[:, :equal].ravel(), members.rhs[:, equal:].ravel()]),
        rhs_of_heard=sparse.csr_array(sparse.vstack([tall(part) for part in heard_parts])),
        equal_rows=n * equal,
        lower=np.tile(form.lower, n),
        upper=np.tile(form.upper, n),
        integer=np.tile(form.integer, n),
        heard=_places(agent),
        said={name: _summed(members, name, common, sums, shapes[name]) for name in form.said},
        variable_columns={columns.id: slice(0, columns.size)},
    )


def _places(agent: Agent) -> dict[str, slice]:
    """Return where each thing that an agent hears stands in its θ."""
    ends = np.cumsum([0, *(parameter.size for parameter in agent.hears.values())]).tolist()
    return {name: slice(*ends[k : k + 2]) for k, name in enumerate(agent.hears)}


def _summed(
    members: Members,
    name: str,
    common: sparse.csr_array,
    sums: sparse.csr_array,
    shape: tuple[int, ...],
) -> Affine:
    """Return sums of what members say as a map of all their columns."""
    said, groups = members.form.said[name], sums.shape[0]
    # kron counts the labels slowest, column-major order with the labels first counts them fastest.
    order = np.arange(groups * len(said.constant)).reshape((groups, -1)).ravel(order="F")
    counts = sparse.csr_array(sums.sum(axis=1).reshape((groups, 1)))
    return Affine(
        of_columns=sparse.csr_array(sparse.kron(sums, said.of_columns, format="csr")[order]),
        of_heard=sparse.csr_array(sparse.kron(counts, said.of_heard @ common, format="csr")[order]),
        constant=np.asarray(sums @ members.said_constant[name]).ravel(order="F"),
        shape=shape,
    )
