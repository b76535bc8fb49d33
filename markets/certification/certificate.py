"""The certificate of an equilibrium: regrets, gaps, residuals, AC findings.

Every agent is solved again alone, through cvxpy, with what the others said. No bound, reduction or
program of a method is used. Multipliers that a method offers are held against the agent's own
standard form, in which nothing of a method is left.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from equigrid.markets.certification.money_moved import relative

# A claim that an agent's constraints miss by more than this share of its greatest figure is no
# answer, whatever its cost.
FEASIBLE = 1e-5
# Duals and multipliers are held to this, relative: above what solvers leave in the last digits,
# and far below the 1 % by which a price may be off without being noticed otherwise.
OPTIMAL = 1e-6
# Balances are held to this share of their greatest term.
BALANCED = 1e-5
# An objective that is better than its proven bound by more than this, relative, disproves it.
BOUND = 1e-6
# Voltages of two AC power flows agree to this, in p.u.: a hundred times what they are exact to.
SAME_VOLTAGE = 1e-7


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
    columns : int
        So many power flows were run, such as one for each hour and scenario.
    judged_columns : int
        In so many of them pandapower was asked, and has the last word.
    max_route_difference_pu : float or None
        Greatest distance between the voltages of the two power flows there; None where there is
        only one.
    """

    required: str = "enforce"
    converged: bool = True
    max_voltage_violation_pu: float = 0.0
    max_loading_violation_percent: float = 0.0
    max_linear_voltage_error_pu: float | None = None
    columns: int = 0
    judged_columns: int = 0
    max_route_difference_pu: float | None = None


@dataclass(frozen=True)
class Certificate:
    """What was proven of an answer.

    Attributes
    ----------
    regret : Mapping of str to float
        Per follower, (own cost - own best cost) / the money that it moves: the sum of the sizes of
        its payments and variable costs, at the answer or at its best one, whichever is more (of
        several leaders, whose best one is not known, at the answer). Who
        moves next to nothing is measured against a thousandth of all money of the game. NaN where
        it is not known, as for one of several leaders without a bound.
    optimality_gap : float or None
        Distance of the leader's objective, or of the total cost of balances, from its proven bound,
        as a share of the money that the leader, or the game, moves; negative where it is better
        than the bound, which then is none.
    optimality_gap_money : float or None
        The same in currency, without its sign.
    money_moved : float or None
        In currency: the sizes of all payments and of all agents' variable costs, added up.
        Constants are no part of it.
    primal_residual : float
        Greatest distance between what was claimed and what the agent's constraints allow, as a
        share of the greatest figure of that quantity.
    dual_residual : float or None
        Greatest share of the money it moves by which a follower's dual that is linked or paid at
        fails to be an optimal one; None where there is no such dual.
    settlement_residual : float
        What payers owe and payees receive differs by, and what the solver's objective differs from
        price × quantity by, as a share of the money that moves.
    ac : AcFindings or None
    stationarity_residual, complementarity_residual : float or None
        Of the followers' own optimality conditions, at the multipliers that a method offers;
        None where it offers none.
    leader_objective, leader_bound : float or None
        Recomputed from price × quantity, and its proven bound, in the leader's own sense.
    total_cost, total_bound : float or None
        What all agents of balances bear together, and the least that anybody could reach as far
        as their best answers at the prices prove; None without balances.
    balance_residual : float or None
        Greatest imbalance as a share of the balance's greatest term; None without balances.
    leader_regret : float or None
        By what share of the money it moves a leader could better it by other decisions that nobody
        hears, at what it announced; the greatest of several leaders'.
    not_numbers : tuple of str
        What was to be checked and is no finite number, by name. Where a value is none, nothing
        else was checked.
    unchecked : tuple of str
        What no check covers: what agents say and is not affine, what a follower says to nobody
        and is not among the values, and duals that nobody uses.
    worst_tie_objective : float or None
        The leader's objective where followers settle their ties against it, as far as that was
        found; None where it was not looked for.
    """

    regret: Mapping[str, float] = field(default_factory=dict)
    optimality_gap: float | None = None
    primal_residual: float | None = None
    dual_residual: float | None = None
    settlement_residual: float = 0.0
    ac: AcFindings | None = None
    stationarity_residual: float | None = None
    complementarity_residual: float | None = None
    leader_objective: float | None = None
    leader_bound: float | None = None
    worst_tie_objective: float | None = None
    total_cost: float | None = None
    total_bound: float | None = None
    balance_residual: float | None = None
    optimality_gap_money: float | None = None
    money_moved: float | None = None
    leader_regret: float | None = None
    not_numbers: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()

    @property
    def worst_tie_loss(self) -> float | None:
        """Share of its objective that the leader loses at the worst tie that was found."""
        if self.worst_tie_objective is None or self.leader_objective is None:
            return None
        lost = abs(self.leader_objective - self.worst_tie_objective)
        return relative(lost, abs(self.leader_objective))

    def with_ac(self, findings: AcFindings) -> "Certificate":
        """Return the certificate with what AC power flow says."""
        return replace(self, ac=findings)

    def shortcomings(self, tolerance: Mapping[str, float], *, proven: bool = True) -> list[str]:
        """Return a sentence for each tolerance that does not hold.

        What is lost at the worst tie is none of them: the answer is an equilibrium all the same.

        Parameters
        ----------
        tolerance : Mapping of str to float
            ``regret, gap, settlement, ac_voltage_pu, ac_loading_percent``.
        proven : bool
            Whether a proof of the leader's optimum is asked for.
        """
        findings = [f"{name} is not a finite number" for name in self.not_numbers]
        findings += [
            _of_regret(agent, regret)
            for agent, regret in self.regret.items()
            if not regret <= tolerance["regret"]
        ]
        findings += self._bound_shortcomings(tolerance["gap"], proven=proven)
        if self.leader_regret is not None and not self.leader_regret <= tolerance["gap"]:
            findings.append(
                "with the same announcement the leader could gain "
                f"{self.leader_regret:.2g} of the money it moves by what it decides and nobody "
                "hears"
            )
        findings += [
            sentence.format(f"{value:.2g}")
            for value, allowed, sentence in self._residuals()
            if value is not None and not value <= allowed
        ]
        if not self.settlement_residual <= tolerance["settlement"]:
            findings.append(
                f"settlement does not balance by {self.settlement_residual:.2g} of the money that "
                "moves"
            )
        return findings + self._ac_shortcomings(tolerance)

    def _bound_shortcomings(self, allowed: float, *, proven: bool) -> list[str]:
        gap = self.optimality_gap
        if gap is not None and gap < -BOUND:
            return [
                f"the {self._whose()} is better than its proven bound by {-gap:.2g} of the money "
                "that moves, so the bound cuts off answers and proves nothing"
            ]
        if proven and (gap is None or not gap <= allowed):
            shown = None if gap is None else f"{gap:.2g}"
            money = self.optimality_gap_money
            told = "" if money is None else f" of the money that moves, {money:.4g} in currency"
            return [f"the {self._whose('optimum')} is not proven (gap {shown}{told})"]
        return []

    def _whose(self, what: str = "objective") -> str:
        return f"leader's {what}" if self.total_cost is None else f"total cost's {what}"

    def _residuals(self) -> tuple[tuple[float | None, float, str], ...]:
        """Each residual that studies set no tolerance for, its limit, and what to say."""
        return (
            (
                self.primal_residual,
                FEASIBLE,
                "what was claimed is infeasible by {} of its greatest figure",
            ),
            (
                self.dual_residual,
                OPTIMAL,
                "a price is no optimal dual of the follower whose dual it is: by {} of its money, "
                "another quantity at that price would be better",
            ),
            (
                self.balance_residual,
                BALANCED,
                "a balance does not hold: its terms miss it by {} of the greatest of them",
            ),
            (
                self.stationarity_residual,
                OPTIMAL,
                "the multipliers of a follower do not balance its costs (stationarity off by {})",
            ),
            (
                self.complementarity_residual,
                OPTIMAL,
                "a follower has a multiplier on a limit that it is not at, or of the wrong sign "
                "(complementarity off by {})",
            ),
        )

    def _ac_shortcomings(self, tolerance: Mapping[str, float]) -> list[str]:
        if self.ac is None:
            return []
        apart, findings = self.ac.max_route_difference_pu, []
        if apart is not None and not apart <= SAME_VOLTAGE:
            findings.append(f"two AC power flows differ by {apart:.2g} p.u., so that one is wrong")
        if self.ac.required == "report":
            return findings
        if not self.ac.converged:
            return [*findings, "AC power flow does not converge"]
        if self.ac.max_voltage_violation_pu > tolerance["ac_voltage_pu"]:
            findings.append(
                f"an AC voltage is {self.ac.max_voltage_violation_pu:.4f} p.u. off limits"
            )
        if self.ac.max_loading_violation_percent > tolerance["ac_loading_percent"]:
            findings.append(f"a branch is {self.ac.max_loading_violation_percent:.1f} % overloaded")
        return findings


def _of_regret(agent: str, regret: float) -> str:
    if math.isnan(regret):
        return f"what {agent} could gain by answering otherwise is not known"
    return f"{agent} could still gain {regret:.2g} of the money it moves by answering otherwise"
