"""An agent's objective as vectors: its terms, and what rows add to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from equigrid.arrays import BoolArray, FloatArray
from equigrid.markets.forms.compilation import Compiled, compile_agent
from equigrid.markets.forms.objective_terms import objective_terms
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.declaration import Declaration
from equigrid.markets.model.sources import split


@dataclass(frozen=True, eq=False)
class Shares:
    """Parts of a minimised objective, each as weights of shape (n + P + 1,).

    They are those of columns, of θ, and a constant; what multiplies θ by columns is in none.

    Attributes
    ----------
    form : StandardForm
        Whose columns they are of.
    terms : sequence of array
        Terms that the objective was written with, and what each row adds that sets a column of
        the objective, as the rows of a greatest or a least value do.
    wholes : sequence of array
        All of it: with and without what is known of θ, and with and without such rows.
    """

    form: StandardForm
    terms: Sequence[FloatArray]
    wholes: Sequence[FloatArray]


def shares_of(
    game: Declaration, agent: Agent, known: Mapping[str, FloatArray], quantities: Sequence[str]
) -> Shares:
    """Return the parts of an agent's objective, with what is known of what it hears as numbers."""
    form, terms = _with_terms(agent, known, quantities)
    plain = _whole(form)
    silent = {name: np.zeros(parameter.shape) for name, parameter in agent.hears.items()}
    theta = form.heard_vector({**silent, **known})
    numbers = plain.copy()
    numbers[: form.columns] += form.cost_of_heard @ theta
    through = _through_rows(form)
    added = np.sum(through, axis=0) if through else np.zeros(len(plain))
    wholes = [plain, numbers, plain + added, numbers + added]
    firsts = _firsts(game, form)
    return Shares(
        form,
        [_folded(share, form, firsts) for share in [*terms, *through]],
        [_folded(share, form, firsts) for share in wholes],
    )


def _with_terms(
    agent: Agent, known: Mapping[str, FloatArray], quantities: Sequence[str]
) -> tuple[StandardForm, list[FloatArray]]:
    """Compile an agent that also says the terms of its objective."""
    paths = [split(path) for path in quantities]
    names = list(dict.fromkeys(said for speaker, said in paths if speaker == agent.name))
    if isinstance(agent, Compiled):
        return compile_agent(agent, names), []
    terms = {f"term {k}": term for k, term in enumerate(objective_terms(agent, known))}
    telling = Agent(agent.name, agent.problem, agent.hears, {**agent.says, **terms})
    form = compile_agent(telling, [*names, *terms])
    return form, [_of_said(form, name) for name in terms]


def _of_said(form: StandardForm, name: str) -> FloatArray:
    said = form.said[name]
    parts = [said.of_columns.toarray(), said.of_heard.toarray(), said.constant[:, None]]
    return np.concatenate([part.sum(axis=0) for part in parts])


def _whole(form: StandardForm) -> FloatArray:
    return np.concatenate([form.cost, form.offset_of_heard, [form.offset]])


def _through_rows(form: StandardForm) -> list[FloatArray]:
    """Return what each row adds to the cost that alone sets a column without bounds.

    Such a column has its cost for a purpose: it stands for what the row says of the others.
    """
    matrix, by_heard = sparse.csr_array(form.matrix), sparse.csr_array(form.rhs_of_heard)
    by_column, cost = sparse.csc_array(form.matrix), form.cost.copy()
    left, result = np.ones(len(form.rhs), dtype=bool), []
    waiting = list(np.flatnonzero(_settable(form)))
    while waiting:
        column = waiting.pop(0)
        place = slice(by_column.indptr[column], by_column.indptr[column + 1])
        rows = by_column.indices[place]
        open_ = left[rows]
        if cost[column] == 0 or open_.sum() != 1:
            continue
        row = int(rows[open_][0])
        multiplier = -cost[column] / by_column.data[place][open_][0]
        if row >= form.equal_rows and multiplier < 0:
            continue
        left[row] = False
        of_columns = multiplier * matrix[[row]].toarray().ravel()
        cost += of_columns
        of_heard = -multiplier * by_heard[[row]].toarray().ravel()
        result.append(np.concatenate([of_columns, of_heard, [-multiplier * form.rhs[row]]]))
        waiting += [k for k in np.flatnonzero(_settable(form) & (of_columns != 0)) if k != column]
    return result


def _settable(form: StandardForm) -> BoolArray:
    """Columns without bounds whose cost is the same whatever is heard and decided."""
    open_ = ~(np.isfinite(form.lower) | np.isfinite(form.upper) | form.integer)
    heard = np.diff(sparse.csr_array(form.cost_of_heard).indptr) > 0
    bent = np.diff(sparse.csr_array(form.quadratic).indptr) > 0
    return np.asarray(open_ & ~heard & ~bent)


def _firsts(game: Declaration, form: StandardForm) -> list[tuple[slice, slice]]:
    """Pairs of places in θ of what is heard from the same sources, under two names."""
    first: dict[tuple[str, ...], slice] = {}
    pairs = []
    for name, where in form.heard.items():
        sources = tuple(sorted(link.source for link in game.links_into(form.agent.name, name)))
        if sources and sources in first:
            pairs.append((first[sources], where))
        elif sources:
            first[sources] = where
    return pairs


def _folded(share: FloatArray, form: StandardForm, firsts: list[tuple[slice, slice]]) -> FloatArray:
    """Count what is heard under two names under the first."""
    folded, n = share.copy(), form.columns
    for first, other in firsts:
        folded[n + first.start : n + first.stop] += folded[n + other.start : n + other.stop]
        folded[n + other.start : n + other.stop] = 0.0
    return folded
