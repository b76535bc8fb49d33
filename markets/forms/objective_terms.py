"""Terms of an objective, as far as it is a sum."""

from collections.abc import Callable, Iterator, Mapping

import cvxpy as cp
import numpy as np
from cvxpy.atoms.affine.add_expr import AddExpression
from cvxpy.atoms.affine.affine_atom import AffAtom
from cvxpy.atoms.affine.binary_operators import DivExpression, MulExpression, multiply

from equigrid.arrays import FloatArray
from equigrid.markets.model.agent import Agent

Wrap = Callable[[cp.Expression], cp.Expression]
_PRODUCTS = (MulExpression, multiply, DivExpression)
# A product of sums has as many terms as their numbers of terms multiplied.
_MOST = 2000


def objective_terms(agent: Agent, given: Mapping[str, FloatArray]) -> list[cp.Expression]:
    """Return the affine terms of an agent's objective, as costs.

    Sums are taken apart under signs, factors, sums over axes and the like; what multiplies a
    decision by something heard is no term of its own.

    Parameters
    ----------
    agent : Agent
        With a problem.
    given : Mapping of str to array
        What it hears that is known, by name; it counts as the number that it is.
    """
    assert agent.problem is not None
    known = {id(agent.hears[name]): cp.Constant(value) for name, value in given.items()}
    stated = agent.problem.objective.args[0].tree_copy(known)
    cost = -stated if agent.maximises else stated
    collected = []
    for term in _terms(cost, lambda term: term):
        if term.is_affine() and not (term.parameters() and term.variables()):
            collected.append(term)
        if len(collected) >= _MOST:
            break
    return collected


def _terms(expression: cp.Expression, wrap: Wrap) -> Iterator[cp.Expression]:
    if isinstance(expression, AddExpression):
        for part in expression.args:
            yield from _terms(part, lambda term: wrap(_spread(term, expression.shape)))
    elif isinstance(expression, _PRODUCTS):
        yield from _of_product(expression, wrap)
    elif isinstance(expression, AffAtom) and len(expression.args) == 1:
        yield from _terms(expression.args[0], lambda term: wrap(expression.copy([term])))
    else:
        yield wrap(expression)


def _of_product(expression: cp.Expression, wrap: Wrap) -> Iterator[cp.Expression]:
    """Multiply out: each term of one factor with each of the other."""
    first, second = expression.args
    whole = isinstance(expression, DivExpression)
    for left in _terms(first, lambda term: term):
        for right in [second] if whole else _terms(second, lambda term: term):
            yield wrap(expression.copy([left, right]))


def _spread(term: cp.Expression, shape: tuple[int, ...]) -> cp.Expression:
    """Give a term the shape of the sum that it stands in."""
    return term if term.shape == shape else term + np.zeros(shape)
