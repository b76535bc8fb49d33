"""The proof that an answer is an equilibrium, by code that shares nothing with the methods.

Every agent is solved again alone, through cvxpy, with what the others said; nothing of the
compiled forms, bounds or multipliers of a method is used here.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import cvxpy as cp
import numpy as np
from numpy.typing import NDArray

from equigrid.markets.agent import Agent
from equigrid.markets.findings import NoAnswer
from equigrid.markets.game import Game
from equigrid.markets.settlement import heard_values

Vector = NDArray[np.float64]
# Said values are matched as closely as a solver can; this room keeps the second solve feasible.
_ROOM = 1e-9
# A claim that an agent's constraints miss by more than this is no answer, whatever its cost.
FEASIBLE = 1e-5


@dataclass(frozen=True)
class AcFindings:
    """What AC power flow says of a dispatch, as plain data filled in from the grid.

    Attributes
    ----------
    required : str
        ``enforce`` or ``report``.
    converged : bool
    max_voltage_violation_pu : float
        Greatest positive distance beyond the limits, 0 if none.
    max_loading_violation_percent : float
        Greatest excess above 100 percent, 0 if none.
    max_linear_voltage_error_pu : float or None
        Greatest distance between linear and AC voltages.
    """

    required: str = "enforce"
    converged: bool = True
    max_voltage_violation_pu: float = 0.0
    max_loading_violation_percent: float = 0.0
    max_linear_voltage_error_pu: float | None = None


@dataclass(frozen=True)
class Certificate:
    """What was proven of an answer.

    Attributes
    ----------
    regret : Mapping of str to float
        Per follower, (own cost - own best cost) / max(1, |own best cost|).
    optimality_gap : float or None
        Relative distance of the leader's objective from its proven bound.
    primal_residual : float
        Greatest distance between what was claimed and what the agent's constraints allow.
    dual_residual : float or None
        Greatest stationarity residual, where a method offers multipliers.
    settlement_residual : float
        In currency: what payers owe and payees receive differs by, and what the solver's
        objective differs from price × quantity by.
    ac : AcFindings or None
    """

    regret: Mapping[str, float] = field(default_factory=dict)
    optimality_gap: float | None = None
    primal_residual: float | None = None
    dual_residual: float | None = None
    settlement_residual: float = 0.0
    ac: AcFindings | None = None

    def with_ac(self, findings: AcFindings) -> "Certificate":
        """Return the certificate with what AC power flow says."""
        return replace(self, ac=findings)

    def shortcomings(self, tolerance: Mapping[str, float], *, proven: bool = True) -> list[str]:
        """Return a sentence for each tolerance that does not hold.

        Parameters
        ----------
        tolerance : Mapping of str to float
            ``regret, gap, settlement, ac_voltage_pu, ac_loading_percent``.
        proven : bool
            Whether a proof of the leader's optimum is asked for.
        """
        found = [
            f"{agent} could still gain {regret:.2g} of its cost by answering otherwise"
            for agent, regret in self.regret.items()
            if not regret <= tolerance["regret"]
        ]
        if proven and (self.optimality_gap is None or self.optimality_gap > tolerance["gap"]):
            found.append(f"the leader's optimum is not proven (gap {self.optimality_gap})")
        if self.primal_residual is not None and not self.primal_residual <= FEASIBLE:
            found.append(f"what was claimed is infeasible by {self.primal_residual:.2g}")
        if not self.settlement_residual <= tolerance["settlement"]:
            found.append(f"settlement does not balance by {self.settlement_residual:.2g}")
        return found + self._ac_shortcomings(tolerance)

    def _ac_shortcomings(self, tolerance: Mapping[str, float]) -> list[str]:
        if self.ac is None or self.ac.required == "report":
            return []
        if not self.ac.converged:
            return ["AC power flow does not converge"]
        found = []
        if self.ac.max_voltage_violation_pu > tolerance["ac_voltage_pu"]:
            found.append(f"an AC voltage is {self.ac.max_voltage_violation_pu:.4f} p.u. off limits")
        if self.ac.max_loading_violation_percent > tolerance["ac_loading_percent"]:
            found.append(f"a branch is {self.ac.max_loading_violation_percent:.1f} % overloaded")
        return found


def certify(
    game: Game,
    values: Mapping[str, Vector],
    *,
    bound: float | None = None,
    claimed: float | None = None,
) -> tuple[Certificate, float | None]:
    """Check an answer, wherever it was found.

    Parameters
    ----------
    game : Game
    values : Mapping of str to array
        Everything said at the answer, by ``"agent.quantity"``.
    bound : float, optional
        Proven bound on the leader's objective, in its own sense.
    claimed : float, optional
        The leader's objective as the method's solver has it, in its own sense.

    Returns
    -------
    certificate : Certificate
    leader_objective : float or None
        Recomputed from price × quantity, in the leader's own sense.
    """
    regret, residuals = {}, [0.0]
    for agent in game.followers:
        claim = _own_claims(game, values, agent)
        heard = heard_values(game, values, agent.name)
        residual, own, best = _regret(agent, heard, claim)
        residuals.append(residual)
        regret[agent.name] = max(0.0, own - best) / max(1.0, abs(best))
    objective = None
    if game.leader is not None:
        leader = game.agent(game.leader)
        claim = _own_claims(game, values, leader)
        heard = heard_values(game, values, leader.name)
        residual, objective = _value_at(leader, heard, claim)
        residuals.append(residual)
        objective = -objective if leader.maximises else objective
    return (
        Certificate(
            regret=regret,
            optimality_gap=_gap(objective, bound),
            primal_residual=max(residuals),
            settlement_residual=_settlement_residual(objective, claimed),
        ),
        objective,
    )


def _gap(objective: float | None, bound: float | None) -> float | None:
    if objective is None or bound is None:
        return None
    return abs(objective - bound) / max(1.0, abs(objective))


def _settlement_residual(objective: float | None, claimed: float | None) -> float:
    if objective is None or claimed is None:
        return 0.0
    return abs(objective - claimed)


def _own_claims(game: Game, values: Mapping[str, Vector], agent: Agent) -> dict[str, Vector]:
    """What the agent says that others hear or pay for: its commitments."""
    used = {link.source for link in game.links}
    used |= {s for p in game.payments for s in (p.price, p.quantity) if isinstance(s, str)}
    return {
        name: values[f"{agent.name}.{name}"]
        for name in agent.says
        if f"{agent.name}.{name}" in used
    }


def _regret(
    agent: Agent, heard: Mapping[str, Vector], claim: Mapping[str, Vector]
) -> tuple[float, float, float]:
    """Return distance from feasibility, own cost as claimed, and own best cost."""
    residual, own = _value_at(agent, heard, claim)
    with _hearing(agent, heard):
        assert agent.problem is not None
        best = _solve(agent, cp.Problem(_minimised(agent), agent.problem.constraints))
    return residual, own, best


def _value_at(
    agent: Agent, heard: Mapping[str, Vector], claim: Mapping[str, Vector]
) -> tuple[float, float]:
    """Return how far the claims are from feasible, and the least own cost that has them."""
    assert agent.problem is not None
    off = cp.Variable(nonneg=True)
    near = [cp.abs(agent.says[name] - value) <= off for name, value in claim.items()]
    with _hearing(agent, heard):
        stated = agent.problem.constraints
        residual = _solve(agent, cp.Problem(cp.Minimize(off), stated + near))
        room = [
            cp.abs(agent.says[name] - value) <= residual + _ROOM for name, value in claim.items()
        ]
        own = _solve(agent, cp.Problem(_minimised(agent), stated + room))
    return residual, own


def _minimised(agent: Agent) -> cp.Minimize:
    assert agent.problem is not None
    expression = agent.problem.objective.args[0]
    return cp.Minimize(-expression if agent.maximises else expression)


def _solve(agent: Agent, problem: cp.Problem) -> float:
    # The strictest tolerances there are: a certificate is read to the sixth digit.
    if problem.is_lp() or problem.is_mixed_integer():
        strict = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
        problem.solve(solver=cp.HIGHS, mip_rel_gap=0.0, **strict)
    else:
        strict = {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10}
        with warnings.catch_warnings():
            # Short of these tolerances is near enough: what is found is compared all the same.
            warnings.filterwarnings("ignore", "Solution may be inaccurate")
            problem.solve(solver=cp.CLARABEL, **strict)
    if problem.status not in ("optimal", "optimal_inaccurate"):
        raise NoAnswer(
            f"agent '{agent.name}' has no best answer to what it hears ({problem.status})",
            agent.name,
        )
    return float(problem.value)


@contextmanager
def _hearing(agent: Agent, heard: Mapping[str, Vector]) -> Iterator[None]:
    """Set what the agent hears, and restore it whatever happens."""
    before = {name: parameter.value for name, parameter in agent.hears.items()}
    try:
        for name, parameter in agent.hears.items():
            parameter.value = heard[name]
        yield
    finally:
        for name, parameter in agent.hears.items():
            parameter.value = before[name]
