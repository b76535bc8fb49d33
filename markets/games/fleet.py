"""Fleets: a member declared once, and a row of data for each of many."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import cvxpy as cp
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from equigrid.arrays import FloatArray, IntArray
from equigrid.errors import UnusableGame
from equigrid.markets.forms.compilation import compile_agent
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.games.fleet_checks import data_findings, group_findings, member_findings
from equigrid.markets.games.fleet_members import Lazy, Members, flat_rows, side_by_side
from equigrid.markets.model.agent import Agent


class Fleet(Agent):
    """Agents that differ in numbers only, stated once; it stands wherever an agent does.

    What the fleet says is the sum of what its members say. Methods either take it as one agent
    whose problem is all members' problems side by side, or all members at once.

    Parameters
    ----------
    name : str
        Unique in a game, without dots.
    member : Agent
        The declaration that all members share.
    data : Mapping of str to array of shape (n, ...)
        Values of some of what the member hears, a row for each member. They may enter costs and
        right-hand sides only, as all that is heard. The rest the fleet hears for all members.
    by : sequence of n labels, optional
        Where each member belongs, such as its node. The fleet then says one row for each label:
        sums of shape (B, ...) instead of one sum.
    groups : sequence of labels, optional
        The labels in the order of the rows; without it they are sorted. A label without members
        has a row of zeros.

    Attributes
    ----------
    size : int
        Number of members n.
    rows : array of shape (n,) or None
        The row of each member in what the fleet says.

    Raises
    ------
    UnusableGame
        With everything that is wrong with the fleet at once.

    Examples
    --------
    >>> price, limit_mw = cp.Parameter(2, name="price"), cp.Parameter(2, name="limit")
    >>> output_mw = cp.Variable(2, nonneg=True)
    >>> one = Agent("pv", cp.Problem(cp.Maximize(price @ output_mw), [output_mw <= limit_mw]),
    ...             hears={"price": price, "limit_mw": limit_mw}, says={"output_mw": output_mw})
    >>> roofs = Fleet("roofs", one, {"limit_mw": [[0, 1], [0, 2], [1, 3]]}, by=["b", "a", "b"])
    >>> roofs.size, list(roofs.hears), roofs.shape_of("output_mw")
    (3, ['price'], (2, 2))
    >>> from equigrid.markets.forms.agent_solver import AgentSolver
    >>> AgentSolver(roofs).answer(price=[1.0, 1.0])["output_mw"]
    array([[0., 2.],
           [1., 4.]])
    """

    member: Agent
    data: Mapping[str, FloatArray]
    by: tuple[Hashable, ...] | None
    groups: tuple[Hashable, ...] | None
    size: int
    rows: IntArray | None

    def __init__(
        self,
        name: str,
        member: Agent,
        data: Mapping[str, ArrayLike],
        by: Sequence[Hashable] | NDArray[Any] | None = None,
        groups: Sequence[Hashable] | NDArray[Any] | None = None,
    ) -> None:
        UnusableGame.raise_if(member_findings(name, member))
        rows = {key: np.array(values, dtype=float) for key, values in data.items()}
        labels, order = _labels(by), _labels(groups)
        sizes = [len(values) for values in rows.values() if values.ndim]
        size = sizes[0] if sizes else len(labels or ())
        result = data_findings(name, member, rows)
        UnusableGame.raise_if([*result, *group_findings(name, size, labels, order)])
        for values in rows.values():
            values.setflags(write=False)
        self._freeze(name=name, member=member, data=MappingProxyType(rows), by=labels, size=size)
        self._freeze(groups=order if labels is None or order is not None else _sorted(labels))
        place = {label: row for row, label in enumerate(self.groups or ())}
        self._freeze(rows=None if labels is None else np.array([place[label] for label in labels]))
        self._freeze(hears=MappingProxyType(self._own_parameters()))
        affine = [said for said, value in member.says.items() if value.is_affine()]
        self._freeze(says=Lazy(affine, self._expression))

    def _freeze(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"Fleet({self.name!r}, member={self.member.name!r}, size={self.size})"

    def _own_parameters(self) -> dict[str, cp.Parameter]:
        """Parameters for what all members hear; the member keeps its own."""
        return {
            name: cp.Parameter(
                parameter.shape,
                name=parameter.name(),
                nonneg=parameter.is_nonneg(),
                nonpos=parameter.is_nonpos() and not parameter.is_nonneg(),
            )
            for name, parameter in self.member.hears.items()
            if name not in self.data
        }

    @property
    def decides(self) -> bool:
        """Whether it has a problem of its own: always, and nothing is built to say so."""
        return True

    @property
    def maximises(self) -> bool:
        """Whether the members' own objective is a gain."""
        return self.member.maximises

    def shape_of(self, said: str) -> tuple[int, ...]:
        """Return the shape of a sum: the member's, after an axis for the labels if there are."""
        shape = self.member.shape_of(said)
        return shape if self.groups is None else (len(self.groups), *shape)

    def parameters(self) -> list[cp.Parameter]:
        """Return the fleet's Parameters, as far as the members use them."""
        used = {parameter.id for parameter in self.member.parameters()}
        return [own for name, own in self.hears.items() if self.member.hears[name].id in used]

    def variables(self) -> list[cp.Variable]:
        """Return one Variable that holds the columns of all members, one member after another."""
        return [self._columns]

    @cached_property
    def _member_form(self) -> StandardForm:
        """Form of the member, with everything affine that it says."""
        return compile_agent(self.member, list(self.says))

    @cached_property
    def _columns(self) -> cp.Variable:
        form = self._member_form
        ends = [np.tile(end, self.size) for end in (form.lower, form.upper)]
        whole = np.flatnonzero(np.tile(form.integer, self.size))
        return cp.Variable(
            self.size * form.columns,
            name=f"columns of {self.name}",
            bounds=ends,
            integer=(whole,) if whole.size else False,
        )

    def member_form(self, names: Iterable[str] | None = None) -> StandardForm:
        """Return the form that all members share, in what the member itself hears.

        Parameters
        ----------
        names : iterable of str, optional
            What it says, as far as it is wanted; everything affine without it.
        """
        form = self._member_form
        kept = list(form.said if names is None else names)
        return replace(form, said={name: form.said[name] for name in kept})

    def members(self, heard: FloatArray, names: Iterable[str] | None = None) -> Members:
        """Return all members at what the fleet hears.

        Parameters
        ----------
        heard : array of shape (P,)
            θ of the fleet, as in its own standard form.
        names : iterable of str, optional
            What they say, as far as it is wanted.
        """
        known = self._own_heard() + self._common @ heard
        return Members.hearing(self.member_form(names), known)

    def answers(self, columns: FloatArray, heard: FloatArray) -> dict[str, FloatArray]:
        """Return what each member says, shape (n, ...) by name.

        Parameters
        ----------
        columns : array of shape (n, columns) or (n · columns,)
            Of all members, as in the fleet's own standard form.
        heard : array of shape (P,)
            θ of the fleet.
        """
        members, each = self.members(heard), np.reshape(columns, (self.size, -1))
        return {name: members.said(name, each) for name in self.says}

    def said_at(self, columns: FloatArray, heard: FloatArray) -> dict[str, FloatArray]:
        """Return everything the fleet says at its columns, without building its problem."""
        return {name: self.summed(said) for name, said in self.answers(columns, heard).items()}

    def summed(self, said: FloatArray) -> FloatArray:
        """Return the sums over members, or over those of each label, of an array (n, ...)."""
        if self.rows is None:
            return np.asarray(said.sum(axis=0))
        flat = self._sums @ said.reshape((self.size, -1))
        return np.asarray(flat).reshape((-1, *said.shape[1:]))

    def spread(self, said: FloatArray) -> FloatArray:
        """Return what is of each row, such as a price, for each member: flattened, (n, size)."""
        if self.rows is None:
            return np.broadcast_to(np.ravel(said, order="F"), (self.size, said.size))
        return flat_rows(np.reshape(said, (len(said), -1), order="F"))[self.rows]

    @cached_property
    def _sums(self) -> sparse.csr_array:
        """Matrix of shape (B, n) that sums over members; one row where there are no labels."""
        rows = np.zeros(self.size, dtype=np.int64) if self.rows is None else self.rows
        count = 1 if self.groups is None else len(self.groups)
        entries = (np.ones(self.size), (rows, np.arange(self.size)))
        return sparse.csr_array(entries, shape=(count, self.size))

    def _own_heard(self) -> FloatArray:
        """What each member hears of its own, in the member's θ: shape (n, P of the member)."""
        form = self._member_form
        theta = np.zeros((self.size, form.heard_size))
        for name, values in self.data.items():
            theta[:, form.heard[name]] = flat_rows(values)
        return theta

    @cached_property
    def _common(self) -> sparse.csr_array:
        """Matrix that puts the fleet's θ where the member has it."""
        form, places = self._member_form, np.zeros(0, dtype=np.int64)
        for name in self.hears:
            places = np.concatenate([places, np.arange(form.heard_size)[form.heard[name]]])
        entries = (np.ones(len(places)), (places, np.arange(len(places))))
        return sparse.csr_array(entries, shape=(form.heard_size, len(places)))

    def form(self, names: Iterable[str]) -> StandardForm:
        """Return the members' problems side by side as one standard form.

        Parameters
        ----------
        names : iterable of str
            What the fleet says, as far as it is wanted.
        """
        wanted = list(names)
        members = self.members(np.zeros(self._common.shape[1]), wanted)
        shapes = {name: self.shape_of(name) for name in wanted}
        return side_by_side(self, self._columns, members, self._common, self._sums, shapes)

    @cached_property
    def problem(self) -> cp.Problem:
        """All members' problems as one, built when it is asked for."""
        form, x, theta = self.form(()), self._columns, self._heard_expression()
        cost: cp.Expression = form.cost @ x + form.offset
        if form.is_quadratic:
            cost = cost + cp.quad_form(x, cp.psd_wrap(form.quadratic)) / 2
        limits: cp.Expression = form.matrix @ x - form.rhs
        if theta is not None:
            cost = cost + theta @ (form.cost_of_heard.T @ x) + form.offset_of_heard @ theta
            limits = limits - form.rhs_of_heard @ theta
        equal, goal = form.equal_rows, cp.Maximize(-cost) if self.maximises else cp.Minimize(cost)
        rows = [
            (limits[:equal] == 0).set_label(f"equalities of every member of {self.name}"),
            (limits[equal:] <= 0).set_label(f"limits of every member of {self.name}"),
        ]
        return cp.Problem(goal, [row for row in rows if row.size])

    def _heard_expression(self) -> cp.Expression | None:
        """Return θ as an expression of the fleet's Parameters."""
        parts = [cp.vec(parameter, order="F") for parameter in self.hears.values()]
        return cp.hstack(parts) if parts else None

    def _expression(self, name: str) -> cp.Expression:
        said, theta = self.form([name]).said[name], self._heard_expression()
        flat = said.of_columns @ self._columns + said.constant
        if theta is not None:
            flat = flat + said.of_heard @ theta
        return cp.reshape(flat, said.shape, order="F")


def _labels(given: Any) -> tuple[Hashable, ...] | None:
    """Labels as plain Python values, so that an array of numbers and a list of them agree."""
    return (
        None
        if given is None
        else tuple(np.asarray(given).tolist() if hasattr(given, "tolist") else given)
    )


def _sorted(labels: Iterable[Any]) -> tuple[Hashable, ...]:
    return tuple(sorted(set(labels)))
