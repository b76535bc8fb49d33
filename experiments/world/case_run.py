"""What a case left: its stages and tables, from which KPIs are read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from equigrid.errors import did_you_mean
from equigrid.experiments.spec.study import StudyCase
from equigrid.experiments.spec.study_spec import StudySpec
from equigrid.experiments.world.kpi import Kpi
from equigrid.experiments.world.operation import Operation
from equigrid.experiments.world.stage import Stage
from equigrid.grid.network.network import Network
from equigrid.markets.certification.check import Check
from equigrid.markets.equilibrium import Equilibrium


@dataclass(frozen=True, eq=False)
class CaseRun:
    """What a case left.

    Attributes
    ----------
    spec : StudySpec
        What the study says, with the case's own settings.
    case : StudyCase
    network : Network or None
    stages : Mapping of str to Stage
        In the order in which they began.
    kpis : Mapping of str to Kpi
        Once they are read.
    interrupted : bool
    system : object
        That played it.
    """

    spec: StudySpec
    case: StudyCase
    network: Network | None
    stages: Mapping[str, Stage]
    kpis: Mapping[str, Kpi] | None = None
    interrupted: bool = False
    system: Any = None

    @property
    def step_hours(self) -> float:
        """Length of a step in hours."""
        return self.spec.step_hours

    def stage(self, name: str) -> Stage:
        """Return a stage by name.

        Raises
        ------
        KeyError
            When there is none of that name; says which there are.
        """
        if name not in self.stages:
            raise KeyError(f"there is no stage '{name}'{did_you_mean(name, self.stages)}")
        return self.stages[name]

    @property
    def answers(self) -> Mapping[str, Equilibrium]:
        """Answers to games by stage, in order."""
        played = [(name, stage.equilibrium) for name, stage in self.stages.items()]
        return {name: answer for name, answer in played if answer is not None}

    @property
    def answer(self) -> Equilibrium:
        """The last answer to a game."""
        return list(self.answers.values())[-1]

    @property
    def operation(self) -> Operation:
        """AC power flow of the last stage that has any."""
        return [s.operation for s in self.stages.values() if s.operation is not None][-1]

    def table(self, name: str) -> pd.DataFrame:
        """Return a standard table of the case.

        Parameters
        ----------
        name : str
            ``settlement``: stage, payment, payer, payee, amount, of the games and ledgers of
            binding stages.
        """
        if name != "settlement":
            raise KeyError(f"there is no table '{name}'; there is: settlement")
        rows = [(stage.name, *row) for stage in self.binding for row in stage.transfers]
        columns = ["stage", "payment", "payer", "payee", "amount"]
        return pd.DataFrame(rows, columns=columns).astype({"amount": float})

    @property
    def binding(self) -> list[Stage]:
        """The stages whose checks count."""
        return [stage for stage in self.stages.values() if stage.binding]

    @property
    def checks(self) -> Iterator[tuple[Stage, Check]]:
        """Every check of every stage."""
        for stage in self.stages.values():
            yield from ((stage, check) for check in stage.checks)
