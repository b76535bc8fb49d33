"""Paper A as a study: who the parties of a case are, and the game between them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from equigrid.agents.network_operator import STATES, NetworkOperator
from equigrid.arrays import FloatArray
from equigrid.experiments.frp_aggregator import schema
from equigrid.experiments.frp_aggregator.days import Days, days_of
from equigrid.experiments.frp_aggregator.parties import (
    aggregator_of,
    game_of,
    operator_of,
    spec_of,
)
from equigrid.experiments.spec.study import Study
from equigrid.grid.linear.tangents import Tangents
from equigrid.markets.games.game import Game
from equigrid.scenarios.ambiguity.ambiguity_set import AmbiguitySet


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

    def states_load(
        self, values: Mapping[str, FloatArray]
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the network's load before delivery, after that of up, and after that of down.

        With the linear voltages where limits hold; elsewhere the model does not look at them.
        """
        nets, reactive = self.net_loads_mw(values), self.operator.scenario_load_mvar()
        voltages = [
            self.tangents[s].values(nets[s], reactive)[0] if known else np.nan * nets[s]
            for s, known in zip(STATES, self.secured, strict=True)
        ]
        active = np.hstack([nets[state] for state in STATES])
        return active, np.tile(reactive, len(STATES)), np.hstack(voltages)

    @property
    def secured(self) -> list[bool]:
        """In which states limits hold, in their order."""
        return [state in self.spec.secured for state in STATES]


def parties_of(study: Study) -> FrpAggregator:
    """Return the parties of a study as it is in one case."""
    days, spec = days_of(study), spec_of(study)
    near = AmbiguitySet.from_confidence(days.scenarios.probability, days.samples, spec.confidence)
    return FrpAggregator(study, days, operator_of(study, days, spec.secured), near)
