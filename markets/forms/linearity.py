"""Linearity checks: what keeps a problem from being linear or convex quadratic."""

import numpy as np
from scipy import sparse

from equigrid.errors import UnusableGame
from equigrid.markets.model.agent import Agent

_BY_ENTRY = ("nonneg", "nonpos", "pos", "neg", "boolean", "integer", "bounds")


def refuse_curved(agent: Agent, names: list[str]) -> None:
    """Refuse to link or pay for what is not affine."""
    UnusableGame.raise_if(
        f"'{agent.name}.{name}' is linked or paid for but is not affine in the variables of "
        f"'{agent.name}'; say an affine expression"
        for name in names
        if not agent.says[name].is_affine()
    )


def refuse_structured(agent: Agent) -> None:
    """Only attributes that say something of each entry by itself keep one column an entry."""
    UnusableGame.raise_if(
        f"variable '{variable.name()}' of agent '{agent.name}' has an attribute that is not "
        "supported; declare it plain, with bounds, nonneg, boolean or integer only"
        for variable in agent.variables()
        if any(value for name, value in variable.attributes.items() if name not in _BY_ENTRY)
    )


def not_linear(agent: Agent, why: str) -> str:
    """Return the finding about an agent whose problem no such program holds."""
    return (
        f"the problem of agent '{agent.name}' is neither linear nor convex quadratic; state it "
        f"with affine constraints and a linear or quadratic cost ({why})"
    )


def refuse_products(
    agent: Agent,
    heard: dict[str, slice],
    coefficients: sparse.csc_array,
    where: str = "a constraint",
) -> None:
    """Refuse heard values that multiply a variable where none may."""
    used = np.diff(coefficients.indptr) > 0
    UnusableGame.raise_if(
        f"'{agent.name}.{name}' multiplies a variable in {where} of '{agent.name}'; heard "
        "values may enter linear costs and right-hand sides only"
        for name, place in heard.items()
        if used[place].any()
    )
