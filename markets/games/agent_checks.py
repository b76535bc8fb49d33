"""Checks of an agent of one's own: what games take for granted, found at once."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import product
from textwrap import shorten
from typing import Any

import cvxpy as cp
import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from equigrid.arrays import FloatArray
from equigrid.errors import NoAnswer, UnusableGame, did_you_mean
from equigrid.markets.forms.agent_solver import AgentSolver
from equigrid.markets.forms.compilation import compile_agent
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.model.agent import Agent
from equigrid.own_thread import solve_by_highs

# A name that ends so lacks its unit (docs/glossary.md).
_PHYSICAL = {"power", "energy", "load", "demand", "import", "export", "output", "voltage"}
_OTHER_UNITS = {"kw": "mw", "kwh": "mwh", "kvar": "mvar"}
# With which sign a price times such a quantity enters the cost.
_SIGNS = {"import": 1, "purchase": 1, "export": -1}
_PRICES = {"price", "tariff"}
_POINTS, _SEED, _ABSURD, _TOLERANCE = 3, 0, 1e6, 1e-5


def check_agent(agent: Agent, heard: Mapping[str, ArrayLike] | None = None) -> None:
    """Check that an agent keeps to what games take for granted.

    Its problem is linear or convex quadratic, every constraint has a label, every heard name is
    used, and names of physical quantities end in their unit. It pays for import and is paid for
    export, takes no more of what becomes dearer, answers the same twice, and is named by what
    it cannot answer. Its Parameters and Variables are left as they were.

    Parameters
    ----------
    agent : Agent
    heard : Mapping of str to array, optional
        An example of what it hears, around which prices are varied; ones where it is silent.

    Raises
    ------
    UnusableGame
        With all findings at once, those about the example among them.

    Examples
    --------
    >>> price, output_mw = cp.Parameter(2), cp.Variable(2, bounds=[0, 3])
    >>> ramp = (cp.diff(output_mw) <= 1).set_label("ramp up")
    >>> wind = Agent("wind", cp.Problem(cp.Maximize(price @ output_mw), [ramp]),
    ...              hears={"price": price}, says={"output_mw": output_mw})
    >>> check_agent(wind, heard={"price": [30.0, 40.0]})
    """
    if not isinstance(agent, Agent):
        raise UnusableGame([f"{type(agent).__name__} is no Agent; pass what its agent() returns"])
    example = {} if heard is None else heard
    unheard = [*_unhearable(agent), *_example_findings(agent, example)]
    collected = [*_label_findings(agent), *_name_findings(agent), *_unused(agent), *unheard]
    try:
        form = _compiled(agent)
    except UnusableGame as unusable:
        raise UnusableGame([*collected, *unusable.findings]) from unusable
    collected += _sign_findings(form)
    if agent.problem is not None and not unheard:
        collected += _answer_findings(form, form.heard_vector(_heard(agent, example)))
    UnusableGame.raise_if(collected)


def _compiled(agent: Agent) -> StandardForm:
    """Compile the agent, with those of its says whose sign in the cost is known."""
    said = [name for name, value in agent.says.items() if _sign(name) and value.is_affine()]
    return compile_agent(agent, said)


def _sign(name: str) -> int:
    return sum(_SIGNS.get(word, 0) for word in name.split("_"))


def _label_findings(agent: Agent) -> Iterator[str]:
    stated = [] if agent.problem is None else agent.problem.constraints
    for number, constraint in enumerate(stated, start=1):
        if not (constraint.label or "").strip():
            text = shorten(str(constraint), 60)
            yield f"constraint {number} of '{agent.name}' ({text}) needs a .set_label(\"...\")"


def _name_findings(agent: Agent) -> Iterator[str]:
    """Check the names of all that is heard or said, and the units in them."""
    for role, name in (*product(["hears"], agent.hears), *product(["says"], agent.says)):
        who, words = f"agent '{agent.name}' {role} '{name}'", name.lower().split("_")
        # Names of other parties may occur in it, and those may have hyphens.
        if not name.replace("-", "_").isidentifier():
            yield f"{who}; use letters, digits and underscores only"
        if words[-1] in _PHYSICAL:
            yield f"{who} without a unit; let the name end in it, as in '{name}_mw'"
        for unit in sorted(set(words) & set(_OTHER_UNITS)):
            yield f"{who}; state it in {_OTHER_UNITS[unit]} instead of {unit}"


def _unused(agent: Agent) -> list[str]:
    """Find what is heard in vain; a party without a problem may just receive."""
    used = {parameter.id for parameter in agent.parameters()}
    idle = [] if agent.problem is None else [n for n, p in agent.hears.items() if p.id not in used]
    return [f"agent '{agent.name}' does not use '{name}'; remove it from hears" for name in idle]


def _unhearable(agent: Agent) -> Iterator[str]:
    """Find Parameters that nobody can set, or that two names set."""
    names = Counter(parameter.id for parameter in agent.hears.values())
    for name, parameter in agent.hears.items():
        if isinstance(parameter, cp.CallbackParam):
            yield f"agent '{agent.name}' computes '{name}' itself; let it hear a plain Parameter"
        if names[parameter.id] > 1:
            yield f"agent '{agent.name}' has one Parameter for '{name}' and another name; make two"


def _example_findings(agent: Agent, example: Mapping[str, ArrayLike]) -> Iterator[str]:
    for name, value in example.items():
        if name not in agent.hears:
            yield f"agent '{agent.name}' hears no '{name}'{did_you_mean(name, agent.hears)}"
        elif why := _misfit(agent.hears[name], value):
            yield f"example '{name}' for agent '{agent.name}' {why}"


def _misfit(parameter: Any, value: ArrayLike) -> str:
    """Return why a Parameter cannot take a value, empty if it can."""
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        return f"must be numbers, got {value!r}"
    if array.shape != tuple(parameter.shape):
        return f"has shape {array.shape}, its Parameter {tuple(parameter.shape)}"
    if not np.isfinite(array).all():
        return "must be finite"
    taken = np.array_equal(parameter.project(array), array)
    return "" if taken else "is not of the sign or kind that its Parameter was declared with"


def _heard(agent: Agent, example: Mapping[str, ArrayLike]) -> dict[str, FloatArray]:
    return {
        name: np.asarray(parameter.project(example.get(name, np.ones(parameter.shape))), float)
        for name, parameter in agent.hears.items()
    }


def _sign_findings(form: StandardForm) -> Iterator[str]:
    """What is called import costs at a price, what is called export earns."""
    prices = {n: at for n, at in form.heard.items() if _PRICES & set(n.split("_"))}
    for (heard, where), (name, said) in product(prices.items(), form.said.items()):
        stated, sign = sparse.csc_array(form.cost_of_heard)[:, where].T, _sign(name)
        if _factor(stated, said.of_columns) * sign < 0:
            yield (
                f"agent '{form.agent.name}' counts {heard} × {name} as "
                f"{'income; make it a cost' if sign > 0 else 'a cost; make it income'}"
            )


def _factor(stated: Any, quantity: Any) -> float:
    """Return the number that turns a quantity into what is stated, 0 if none does."""
    if stated.shape != quantity.shape or not quantity.nnz:
        return 0.0
    factor = float((stated * quantity).sum() / (quantity * quantity).sum())
    return factor if abs(stated - factor * quantity).max() <= _TOLERANCE else 0.0


def _answer_findings(form: StandardForm, theta: FloatArray) -> list[str]:
    """Solve the agent alone at the example, around it, and far from it."""
    try:
        solver = AgentSolver(form)
        first = form.objective_at(solver.solve(theta), theta)
    except NoAnswer as none:
        return [f"{none}; bound its variables, or give check_agent an example that it can answer"]
    findings = {*_price_findings(form, solver, theta), *_absurd_findings(form, solver, theta)}
    again = form.objective_at(solver.solve(theta), theta)
    return [*sorted(findings), *_repeat_findings(form, theta, (first, again))]


def _price_findings(form: StandardForm, solver: AgentSolver, theta: FloatArray) -> Iterator[str]:
    """Raise one entry of each price at several points."""
    random, prices = np.random.default_rng(_SEED), _prices(form)
    for _ in range(_POINTS):
        base = theta.copy()
        for where in prices.values():
            base[where] *= random.uniform(0.5, 1.5, where.stop - where.start)
        for name, where in prices.items():
            raised, entry = base.copy(), int(random.integers(where.start, where.stop))
            raised[entry] += max(1.0, abs(base[entry]) / 2)
            if _rises(form, solver, base, raised):
                who = f"agent '{form.agent.name}' takes more of what '{name}' multiplies"
                yield f"{who} when '{name}' rises, no optimum; bring its numbers closer in size"


def _prices(form: StandardForm) -> dict[str, slice]:
    """Return where those heard values stand that multiply variables in the cost, no more."""
    cost = np.diff(sparse.csc_array(form.cost_of_heard).indptr) > 0
    rhs = np.diff(sparse.csc_array(form.rhs_of_heard).indptr) > 0
    return {n: at for n, at in form.heard.items() if cost[at].any() and not rhs[at].any()}


def _rises(form: StandardForm, solver: AgentSolver, first: FloatArray, second: FloatArray) -> bool:
    """Whether (θ₂ - θ₁)'(q₂ - q₁) is positive, q being what θ multiplies in the cost."""
    try:
        one, other = solver.solve(first), solver.solve(second)
    except NoAnswer:
        return False
    worth = (second - first) @ (form.cost_of_heard.T @ (other - one))
    return bool(worth > _TOLERANCE * max(1.0, abs(form.objective_at(one, first))))


def _absurd_findings(form: StandardForm, solver: AgentSolver, theta: FloatArray) -> Iterator[str]:
    """Whatever it hears, an agent answers, or what it cannot answer is refused in its name."""
    for where, value in product(form.heard.values(), (-_ABSURD, _ABSURD)):
        absurd = theta.copy()
        absurd[where] = value
        try:
            solver.solve(absurd)
        except NoAnswer as none:
            if none.agent != form.agent.name:
                yield f"agent '{form.agent.name}' is not named by what it cannot answer ({none})"


def _repeat_findings(
    form: StandardForm, theta: FloatArray, costs: tuple[float, float]
) -> list[str]:
    """An agent has no memory, and its standard form says what its declaration says."""
    first, again = costs
    return [
        f"agent '{form.agent.name}' has cost {first:g} at the example, but {other:g} when solved "
        f"{how}; let its problem depend on nothing but what it hears"
        for how, other in (("again", again), ("through cvxpy", _cost_alone(form, theta)))
        if not abs(other - first) <= _TOLERANCE * max(1.0, abs(first))
    ]


def _cost_alone(form: StandardForm, theta: FloatArray) -> float:
    """Solve the declaration itself, and leave it as it was."""
    agent = form.agent
    assert agent.problem is not None
    before = [(leaf, leaf.value) for leaf in (*agent.hears.values(), *agent.variables())]
    stated = cp.Problem(agent.problem.objective, agent.problem.constraints)
    try:
        for name, where in form.heard.items():
            heard = agent.hears[name]
            heard.value = np.reshape(theta[where], heard.shape, order="F")
        solve_by_highs(stated, mip_rel_gap=0.0)
        value = float(stated.value)
    finally:
        for leaf, old in before:
            leaf.save_value(old)
    return -value if agent.maximises else value
