"""A system in one file: one who sets a price for another, who has a unit of its own."""

from collections.abc import Generator, Mapping
from typing import Any

import cvxpy as cp
import numpy as np
import pandas as pd

import equigrid as eg
from equigrid.experiments.report import pictures, tables
from equigrid.experiments.report_content import ReportContent
from equigrid.experiments.spec.network_choice import NetworkChoice
from equigrid.experiments.spec.study_spec import Party, Timetable

BUS = 4
COST_PER_MWH = 45.0


class OnePrice(eg.StudySpec):
    """What its study files hold."""

    timetable: Timetable
    network: NetworkChoice
    agents: tuple[Party, ...]


def game(steps: int) -> eg.Game:
    """Return the game between the seller, which leads, and the site."""
    price, own = cp.Parameter(steps), cp.Variable(steps, bounds=[0, 1])
    bought = cp.Variable(steps)
    balance = (bought + own == 2).set_label("balance")
    cost = cp.Minimize(price @ bought + COST_PER_MWH * cp.sum(own))
    site = eg.Agent("site", cp.Problem(cost, [balance]), {"price": price}, {"mw": bought})
    offer, sold = cp.Variable(steps, bounds=[0, 60]), cp.Parameter(steps)
    income = cp.Parameter()
    problem = cp.Problem(cp.Maximize(income - 20 * cp.sum(sold)))
    hears = {"sold": sold, "income": income}
    seller = eg.Agent("seller", problem, hears, {"price": offer})
    return eg.Game(
        [seller, site],
        leader="seller",
        links=[
            eg.Link("seller.price", "site.price"),
            eg.Link("site.mw", "seller.sold"),
            eg.Link("bill", "seller.income"),
        ],
        payments=[eg.Payment("bill", "site", "seller", "seller.price", "site.mw")],
    )


class System(eg.System[OnePrice]):
    """A seller and a site at a bus."""

    def day(self, world: eg.World) -> Generator[Any, Any, None]:
        """Play each stage, and run AC power flow of what is bought."""
        assert isinstance(world.spec, OnePrice)
        for stage in world.spec.timetable:
            yield world.at(minute=stage.minute)
            found = yield world.play(stage.name, game(world.steps), eg.Exact())
            net_mw = world.at_buses({BUS: found.values["site.mw"]})
            world.operate(stage.name, net_mw, np.zeros_like(net_mw))

    def kpis(self, run: eg.CaseRun) -> Mapping[str, eg.Kpi]:
        """Return the seller's profit and the lowest voltage."""
        profit = run.answer.leader_objective or 0.0
        lowest = float(np.min(run.operation.voltage_pu))
        return {"profit": eg.Kpi(profit, run.spec.currency), "low": eg.Kpi(lowest, "p.u.")}

    def tables(self, run: eg.CaseRun) -> dict[str, pd.DataFrame]:
        """Return what was bought by step."""
        assert run.operation.converged.all()
        bought = run.answer.values["site.mw"]
        return {"bought": pd.DataFrame({"step": np.arange(1, len(bought) + 1), "mw": bought})}

    def study_tables(self, study: eg.Study) -> dict[str, pd.DataFrame]:
        """Return who sits where."""
        columns = ["name", "kind", "bus", "power_max_mw"]
        return {"places": pd.DataFrame([("site", study.name, BUS, 2.0)], columns=columns)}

    def report(self) -> ReportContent:
        """Return headline, pictures and tables."""
        return ReportContent(
            "Z",
            headline=lambda result: f"A profit of {result.cases[0].kpis['profit'].value:.0f}",
            kpi_names={"low": "Lowest voltage"},
            tiles=("low",),
            pictures=(pictures.PAYMENTS, pictures.FEEDER),
            tables=(tables.PAYMENTS, tables.PLACES),
        )

    def told_kpis(self, told: Any, tables: Mapping[str, pd.DataFrame]) -> Mapping[str, float]:
        """Rebuild the profit from what was sold and paid."""
        sold = told.schedules()["site", "mw"].sum()
        return {"profit": told.settlement()["bill"] - 20 * float(sold)}
