"""An aggregator that buys energy and sells ramping products for its prosumers, A(5)-A(14)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cvxpy as cp

from equigrid.agents.assets import OfferLabels, VirtualBattery
from equigrid.markets.model.agent import Agent

_LABELS = OfferLabels(
    power="A(6) power limits",
    up="A(9) upward offer",
    down="A(9) downward offer",
    energy="A(12) energy limits",
    up_in_power="A(7) upward offer within power",
    down_in_power="A(8) downward offer within power",
    up_in_energy="A(11) upward offer within energy",
    down_in_energy="A(11) downward offer within energy",
    dynamics="A(10) stored energy",
    initial="A(13) initial stored energy",
    final="A(14) final stored energy",
)
WorstCase = Callable[[cp.Expression], tuple[cp.Expression, Sequence[cp.Constraint]]]


@dataclass(frozen=True, eq=False)
class ProsumerAggregator:
    """What an aggregator knows of its prosumers and of how much it trusts the probabilities.

    Attributes
    ----------
    name : str
    prosumers : tuple of VirtualBattery
    scenarios, hours : int
        Number of scenarios, and of steps T, which are hours where ``step_hours`` is 1.
    worst_case : callable
        From the cost of each scenario (S,) to what is minimised and its constraints, such as
        :meth:`equigrid.scenarios.ambiguity.ambiguity_set.AmbiguitySet.worst_case`.
    here_and_now : bool
        Whether one offer holds in all scenarios.
    step_hours : float
        Length of a step.
    """

    name: str
    prosumers: tuple[VirtualBattery, ...]
    scenarios: int
    hours: int
    worst_case: WorstCase
    here_and_now: bool = False
    step_hours: float = 1.0

    def agent(self) -> Agent:
        """Return the aggregator as a decision maker that minimises its worst expected cost, A(5).

        It hears its ``energy_bill``, ``up_bill`` and ``down_bill`` (S,), one amount per
        scenario, negative where it is paid, and says of each prosumer ``NAME_import_mw``,
        ``NAME_up_mw``, ``NAME_down_mw`` and ``NAME_stored_mwh`` (S, T).
        """
        hears = {
            name: cp.Parameter(self.scenarios, name=name)
            for name in ("energy_bill", "up_bill", "down_bill")
        }
        blocks = {
            p.name: p.block(self.scenarios, self.hours, _LABELS, step_hours=self.step_hours)
            for p in self.prosumers
        }
        cost = hears["energy_bill"] + hears["up_bill"] + hears["down_bill"]
        worst, rows = self.worst_case(cost)
        constraints = list(rows)
        for block in blocks.values():
            constraints += block.constraints
            if self.here_and_now and self.scenarios > 1:
                constraints += [_same(block[f"{q}_mw"]) for q in ("import", "up", "down")]
        return Agent(
            self.name,
            cp.Problem(cp.Minimize(worst.set_label("A(5) worst expected cost")), constraints),
            hears=hears,
            says={
                f"{prosumer}_{quantity}": expression
                for prosumer, block in blocks.items()
                for quantity, expression in block.quantities.items()
            },
        )


def _same(offer: cp.Expression) -> cp.Constraint:
    return (offer[1:] == offer[:-1]).set_label("A(5) one offer for all scenarios")
