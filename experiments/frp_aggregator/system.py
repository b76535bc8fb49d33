"""Paper A as a study: who the parties are, the game between them, and their day."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from equigrid.agents.network_operator import STATES, NetworkOperator
from equigrid.arrays import FloatArray
from equigrid.experiments.frp_aggregator import schema
from equigrid.experiments.frp_aggregator.days import Days, days_of
from equigrid.experiments.frp_aggregator.kpis import case_kpis
from equigrid.experiments.frp_aggregator.parties import (
    aggregator_of,
    game_of,
    operator_of,
    spec_of,
)
from equigrid.experiments.frp_aggregator.prices import parts_residual
from equigrid.experiments.frp_aggregator.tables import case_tables
from equigrid.experiments.linearisation import play_linearised
from equigrid.experiments.result import Kpi
from equigrid.experiments.spec.study import Study, StudyCase
from equigrid.experiments.systems import Dispatch, System
from equigrid.grid.ac import AcResult
from equigrid.grid.linear.tangents import Tangents
from equigrid.markets.equilibrium import Equilibrium
from equigrid.markets.games.game import Game
from equigrid.scenarios.ambiguity.ambiguity_set import AmbiguitySet

if TYPE_CHECKING:
    from equigrid.experiments.world import World

ADDS_UP_PER_MWH = 1e-8
"""Parts of a price have to add up to it within this."""


@dataclass(frozen=True, eq=False)
class FrpAggregator:
    """The parties of one case, built from what the study says.

    Attributes
    ----------
    study : Study
    days : Days
    operator : NetworkOperator
    near : AmbiguitySet
        Distributions among which the worst one counts.
    linear : Mapping of str to tangents, or None
        The linear network of every state; at rest if None.
    """

    study: Study
    days: Days
    operator: NetworkOperator
    near: AmbiguitySet
    linear: Mapping[str, Tangents] | None = None

    @cached_property
    def spec(self) -> schema.FrpAggregatorSpec:
        """What the study file says."""
        return spec_of(self.study)

    @cached_property
    def tangents(self) -> Mapping[str, Tangents]:
        """The linear network of every state."""
        return self.operator.at_rest() if self.linear is None else self.linear

    @property
    def leader(self) -> str:
        """Name of the aggregator."""
        return next(a.name for a in self.spec.agents if isinstance(a, schema.ProsumerAggregator))

    @cached_property
    def game(self) -> Game:
        """The game on the linear network as it is."""
        return game_of(
            self.spec,
            self.operator.agent(self.tangents),
            aggregator_of(self.spec, self.near).agent(),
            self.operator.scenario_load_mw(),
        )

    def day(self, world: "World") -> Generator[Any, Any, None]:
        """Go through the stages of the study: the only place that knows the order of events."""
        for stage in self.spec.timetable:
            yield world.at(minute=stage.minute)
            if stage.method == "announce":
                world.publish(self.game, stage.name)
            else:
                outcome = yield from play_linearised(world, stage.name)
                world.shortcomings.extend(_prices_that_do_not_add_up(world.system, outcome))

    def relinearised(
        self, values: Mapping[str, FloatArray], tolerance_pu: float
    ) -> tuple["FrpAggregator", float]:
        """Add tangents where AC at an answer and the linear network differ too much."""
        nets = self.net_loads_mw(values)
        tangents, error = self.operator.renewed(self.tangents, nets, tolerance_pu)
        return replace(self, linear=tangents), error

    def linearised_like(self, other: Any) -> "FrpAggregator":
        """Return the same parties on the linear network of another case."""
        assert isinstance(other, FrpAggregator)
        return replace(self, linear=other.tangents)

    def net_loads_mw(self, values: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """Return the net load (N, S T) of every state at an answer."""
        return {s: values[f"{self.operator.name}.net_load_{s}_mw"] for s in STATES}

    def dispatch(self, outcome: Equilibrium) -> Dispatch:
        """Return the network's load before delivery, after that of up, and after that of down.

        Linear voltages stand where limits hold; elsewhere the model does not look at them.
        """
        nets, reactive = self.net_loads_mw(outcome.values), self.operator.scenario_load_mvar()
        secured = [state in self.spec.secured for state in STATES]
        voltages = [
            self.tangents[s].values(nets[s], reactive)[0] if known else np.nan * nets[s]
            for s, known in zip(STATES, secured, strict=True)
        ]
        return Dispatch(
            np.hstack([nets[state] for state in STATES]),
            np.tile(reactive, len(STATES)),
            np.hstack(voltages),
            np.repeat(secured, reactive.shape[1]),
            np.repeat(np.arange(len(STATES)), reactive.shape[1]),
        )

    def kpis(self, outcome: Equilibrium, ac: AcResult) -> dict[str, Kpi]:
        """Return the KPIs of the case."""
        return case_kpis(self, outcome, ac)

    def tables(
        self, case: str, outcomes: Mapping[str, Equilibrium], ac: AcResult
    ) -> dict[str, pd.DataFrame]:
        """Return the tables of the case."""
        return case_tables(self, case, list(outcomes.values())[-1], ac)


def parties(study: Study, case: StudyCase) -> System:
    """Return the parties of one case."""
    days, spec = days_of(study), spec_of(study)
    near = AmbiguitySet.from_confidence(days.scenarios.probability, days.samples, spec.confidence)
    return FrpAggregator(study, days, operator_of(study, days, spec.secured), near)


def _prices_that_do_not_add_up(system: Any, outcome: Equilibrium) -> list[str]:
    off = parts_residual(system, outcome)
    if off <= ADDS_UP_PER_MWH:
        return []
    return [f"the parts of a price miss it by {off:.2g} per MWh"]
