"""What keeps an agent's problem from being a linear program, said in sentences."""

import numpy as np
from scipy import sparse

from equigrid.markets.agent import Agent
from equigrid.markets.findings import UnusableGame

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
    """Return the finding about an agent whose problem no linear program holds."""
    return (
        f"the problem of agent '{agent.name}' is not linear; state it with affine constraints "
        f"and a linear cost ({why})"
    )


def refuse_products(agent: Agent, heard: dict[str, slice], coefficients: sparse.csc_array) -> None:
    """Refuse heard values that multiply a variable in a constraint."""
    used = np.diff(coefficients.indptr) > 0
    UnusableGame.raise_if(
        f"'{agent.name}.{name}' multiplies a variable in a constraint of '{agent.name}'; heard "
        "values may enter costs and right-hand sides only"
        for name, where in heard.items()
        if used[where].any()
    )
