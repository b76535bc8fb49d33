"""The checks of a certificate: each of its figures held against what is allowed of it."""

import math
from collections.abc import Iterator, Mapping

from equigrid.markets.certification.certificate_figures import CertificateFigures
from equigrid.markets.certification.check import Check
from equigrid.markets.certification.claim import Claim

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

LEADER, TOTAL, FOLLOWERS, PARTIES, MONEY = (
    "The leader",
    "The total cost",
    "The followers",
    "The parties",
    "Money and promises",
)
"""Parts of a certificate."""
_NOTHING_LOST = 5e-6  # of an objective


def certificate_checks(
    figures: CertificateFigures, tolerance: Mapping[str, float], claim: Claim
) -> Iterator[Check]:
    """Yield every check of a certificate.

    Parameters
    ----------
    figures : CertificateFigures
    tolerance : Mapping of str to float
        ``regret, gap, settlement, ac_voltage_pu, ac_loading_percent``.
    claim : Claim
        What the answer says that it is; an optimum that is not claimed need not be proven.
    """
    yield from _not_numbers(figures)
    yield from _optimum(figures, tolerance["gap"], claim)
    yield from _leader(figures, tolerance["gap"])
    led = claim is Claim.LEADER_OPTIMUM or figures.leader_objective is not None
    yield from _parties(figures, tolerance["regret"], FOLLOWERS if led else PARTIES)
    yield from _money(figures, tolerance["settlement"])
    if figures.ac is not None:
        yield from figures.ac.checks(tolerance)


def _not_numbers(figures: CertificateFigures) -> Iterator[Check]:
    for name in figures.not_numbers:
        yield Check(
            f"Whether {name} is a number",
            math.nan,
            holds=False,
            part=MONEY,
            shortfall=f"{name} is not a finite number",
            words=("not a number", "finite"),
        )


def _optimum(figures: CertificateFigures, allowed: float, claim: Claim) -> Iterator[Check]:
    """Yield objective or total cost, its bound, and the gap between them."""
    name, value, bound, part = _objective(figures)
    if value is not None:
        how = "recomputed from price × quantity at what the others said"
        yield Check(name, value, part=part, how=how, unit="money")
    if bound is not None:
        how = (
            "by their best answers at the prices, or the central program"
            if part == TOTAL
            else "proven by branch and bound over all answers of the followers"
        )
        yield Check("No answer gives a better one than", bound, part=part, how=how, unit="money")
    wanted = claim in (Claim.LEADER_OPTIMUM, Claim.TOTAL_OPTIMUM)
    if figures.optimality_gap is not None or wanted or value is not None:
        yield _gap(figures, allowed, f"{name[0].lower()}{name[1:]}", part, wanted=wanted)


def _objective(
    figures: CertificateFigures,
) -> tuple[str, float | None, float | None, str]:
    """Return what is optimal: its name, figure, bound, and the part that it stands in."""
    if figures.total_cost is not None:
        return "The total cost", figures.total_cost, figures.total_bound, TOTAL
    return "The leader's objective", figures.leader_objective, figures.leader_bound, LEADER


def _gap(
    figures: CertificateFigures, allowed: float, name: str, part: str, *, wanted: bool
) -> Check:
    gap, question = figures.optimality_gap, f"Distance of {name} from its proven bound"
    if gap is None:
        return Check(
            question,
            None,
            allowed if wanted else None,
            holds=False if wanted else None,
            part=part,
            how="" if wanted else "a negotiation proves no bound",
            shortfall=_unproven(figures),
            words=("not proven", "" if wanted else "–"),
        )
    money = figures.optimality_gap_money
    return Check(
        question,
        gap,
        allowed,
        holds=gap >= -BOUND and (gap <= allowed or not wanted),
        part=part,
        how="of the money it moves; negative if the bound cuts off the answer itself",
        shortfall=_cut_off(figures) if gap < -BOUND else _unproven(figures),
        note="" if money is None else f"{money:.2g} in currency",
    )


def _cut_off(figures: CertificateFigures) -> str:
    whose = "leader's objective" if figures.total_cost is None else "total cost's objective"
    return (
        f"the {whose} is better than its proven bound by {-(figures.optimality_gap or 0.0):.2g} of "
        "the money that moves, so the bound cuts off answers and proves nothing"
    )


def _unproven(figures: CertificateFigures) -> str:
    whose = "leader's optimum" if figures.total_cost is None else "total cost's optimum"
    gap, money = figures.optimality_gap, figures.optimality_gap_money
    shown = None if gap is None else f"{gap:.2g}"
    told = "" if money is None else f" of the money that moves, {money:.4g} in currency"
    return f"the {whose} is not proven (gap {shown}{told})"


def _leader(figures: CertificateFigures, allowed: float) -> Iterator[Check]:
    regret = figures.leader_regret
    if regret is not None:
        yield Check.asked(
            "What other decisions that nobody hears could gain it, of the money it moves",
            regret,
            allowed,
            part=LEADER,
            how="its own problem in cvxpy, with its announcement as it stands",
            shortfall=f"with the same announcement the leader could gain {regret:.2g} of the money "
            "it moves by what it decides and nobody hears",
        )
    worst, loss = figures.worst_tie_objective, figures.worst_tie_loss
    if worst is not None and loss is not None:
        words, note = _lost(loss)
        yield Check(
            "What it is left with at the worst tie",
            worst,
            part=LEADER,
            how="if followers chose among their equally good answers, and the duals they set, "
            "against it; found by search, so it may lose more",
            unit="money",
            note=note,
            words=(words, "for information"),
        )


def _lost(loss: float) -> tuple[str, str]:
    """Return what to say in place of what is left at the worst tie, and beside it.

    >>> _lost(0.0), _lost(0.139)
    (('', 'ties cost nothing'), ('', '14 % lost'))
    """
    if math.isnan(loss):
        return "not a number", ""
    if math.isinf(loss):
        return "no end to the loss, or limits that it cannot meet", ""
    if loss < _NOTHING_LOST:
        return "", "ties cost nothing"
    digits = max(0, 1 - math.floor(math.log10(100 * loss)))
    return "", f"{100 * loss:.{digits}f} % lost"


def _parties(figures: CertificateFigures, allowed: float, part: str) -> Iterator[Check]:
    for agent, regret in figures.regret.items():
        yield Check.asked(
            f"What {agent}, solved again alone, could gain of the money it moves",
            regret,
            allowed,
            part=part,
            how="its own problem in cvxpy, at what it was told",
            shortfall=f"what {agent} could gain by answering otherwise is not known"
            if math.isnan(regret)
            else f"{agent} could still gain {regret:.2g} of the money it moves by answering "
            "otherwise",
        )
    yield from _multipliers(figures, part)


def _multipliers(figures: CertificateFigures, part: str) -> Iterator[Check]:
    asked = (
        (
            figures.dual_residual,
            "How far prices that are duals are from optimal ones, of the cost behind them",
            "as slopes of the follower's least cost; where there are many, any will do",
            "a price is no optimal dual of the follower whose dual it is: by {} of its money, "
            "another quantity at that price would be better",
        ),
        (
            figures.stationarity_residual,
            "Costs that the multipliers leave unbalanced, of the greatest",
            "stationarity, in every column of their own problems",
            "the multipliers of a follower do not balance its costs (stationarity off by {})",
        ),
        (
            figures.complementarity_residual,
            "Multipliers on limits that are not met, times the room left, of the cost",
            "complementarity, in every row and bound of their own problems",
            "a follower has a multiplier on a limit that it is not at, or of the wrong sign "
            "(complementarity off by {})",
        ),
    )
    for value, question, how, shortfall in asked:
        if value is not None:
            words = shortfall.format(f"{value:.2g}")
            yield Check.asked(question, value, OPTIMAL, part=part, how=how, shortfall=words)


def _money(figures: CertificateFigures, allowed: float) -> Iterator[Check]:
    settled = figures.settlement_residual
    if figures.of_game:
        yield Check.asked(
            "What is paid and what is received differ by, of the money that moves",
            settled,
            allowed,
            part=MONEY,
            how="the method's own value against price × quantity",
            shortfall=f"settlement does not balance by {settled:.2g} of the money that moves",
        )
    for value, most, question, how, shortfall in (
        (
            figures.primal_residual,
            FEASIBLE,
            "Distance of what was promised from what each party can do",
            "the nearest feasible answer of each, in its own units",
            "what was claimed is infeasible by {} of its greatest figure",
        ),
        (
            figures.balance_residual,
            BALANCED,
            "What balances miss, of their greatest term",
            "their terms added up",
            "a balance does not hold: its terms miss it by {} of the greatest of them",
        ),
    ):
        if value is not None:
            words = shortfall.format(f"{value:.2g}")
            yield Check.asked(question, value, most, part=MONEY, how=how, shortfall=words)
    yield from _unchecked(figures.unchecked)


def _unchecked(names: tuple[str, ...]) -> Iterator[Check]:
    """Say how many of the figures no check covers, by name where they are few."""
    if names:
        shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        yield Check(
            "Figures that no check covers",
            float(len(names)),
            part=MONEY,
            how="duals that nobody uses, and what is not linear in an agent's decisions",
            note=shown,
            words=("", "for information"),
        )
