"""The figures of a certificate: regrets, gaps, residuals, AC findings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from equigrid.markets.certification.ac_findings import AcFindings
from equigrid.markets.certification.money_moved import relative


@dataclass(frozen=True)
class CertificateFigures:
    """What was measured of an answer.

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
        What payers owe and payees receive differs by, and what the solver's objective differs
        from price × quantity by, as a share of the money that moves.
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
    of_game : bool
        Whether there is a game whose answer was measured; otherwise its figures say nothing.
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
    of_game: bool = True

    @property
    def worst_tie_loss(self) -> float | None:
        """Share of its objective that the leader loses at the worst tie that was found."""
        if self.worst_tie_objective is None or self.leader_objective is None:
            return None
        lost = abs(self.leader_objective - self.worst_tie_objective)
        return relative(lost, abs(self.leader_objective))
