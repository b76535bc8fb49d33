"""A system is one package: a second one is registered, validated, run, reported and replayed."""

import json
import sys
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest
import yaml
from equigrid.experiments.systems import Dispatch, ReplayKind, System, SystemKind, system_kind

import equigrid as eg
from equigrid.experiments import systems
from equigrid.experiments.replay import LoggedRun, replay
from equigrid.experiments.report import pictures, tables
from equigrid.experiments.result import Kpi
from equigrid.experiments.running.loading import study_path
from equigrid.experiments.running.run import run
from equigrid.experiments.spec.network_choice import NetworkChoice
from equigrid.experiments.spec.study import StudyCase
from equigrid.experiments.spec.study_spec import Party, Timetable
from equigrid.experiments.spec.study_spec import StudySpec as StudyFile
from equigrid.experiments.telling import result_lines
from equigrid.grid.ac import AcResult

Written = Callable[..., Path]
HOURS, BUS = 3, 4
COST_PER_MWH = 45.0


class OnePrice(StudyFile):
    timetable: Timetable
    network: NetworkChoice
    agents: tuple[Party, ...]


@dataclass(frozen=True, eq=False)
class Seller:
    """One who sets a price for another, who has a unit of its own."""

    study: eg.Study

    @cached_property
    def game(self) -> eg.Game:
        price, own = cp.Parameter(HOURS), cp.Variable(HOURS, bounds=[0, 1])
        bought = cp.Variable(HOURS)
        balance = (bought + own == 2).set_label("balance")
        cost = cp.Minimize(price @ bought + COST_PER_MWH * cp.sum(own))
        site = eg.Agent("site", cp.Problem(cost, [balance]), {"price": price}, {"mw": bought})
        offer, sold = cp.Variable(HOURS, bounds=[0, 60]), cp.Parameter(HOURS)
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

    def day(self, world: eg.World) -> Generator[Any, Any, None]:
        assert isinstance(self.study.spec, OnePrice)
        for stage in self.study.spec.timetable:
            yield world.at(minute=stage.minute)
            yield from world.play(stage.name, self.game, eg.Exact())

    def dispatch(self, outcome: eg.Equilibrium) -> Dispatch:
        buses = self.study.feeder.buses.index
        at = (buses == BUS).astype(float)[:, None]
        return Dispatch(at * outcome.values["site.mw"], np.zeros((len(buses), HOURS)))

    def kpis(self, outcome: eg.Equilibrium, ac: AcResult) -> dict[str, Kpi]:
        lowest = float(np.min(ac.voltage_pu))
        return {"profit": Kpi(outcome.leader_objective or 0.0, "EUR"), "low": Kpi(lowest, "p.u.")}

    def tables(
        self, case: str, outcomes: Mapping[str, eg.Equilibrium], ac: AcResult
    ) -> dict[str, pd.DataFrame]:
        assert ac.converged.all()
        return {"settlement": list(outcomes.values())[-1].settlement.assign(case=case)}


def _places(system: Seller) -> dict[str, pd.DataFrame]:
    columns = ["name", "kind", "bus", "power_max_mw"]
    return {"places": pd.DataFrame([("site", system.study.name, BUS, 2.0)], columns=columns)}


def _parties(study: eg.Study, case: StudyCase) -> System:
    assert case.ac == "enforce"
    return Seller(study)


def _report() -> ReportKind:
    return ReportKind(
        "Z",
        headline=lambda result: f"A profit of {result.cases[0].kpis['profit'].value:.0f}",
        kpi_names={"low": "Lowest voltage"},
        tiles=("low",),
        pictures=(pictures.PAYMENTS, pictures.FEEDER),
        tables=(tables.PAYMENTS, tables.PLACES),
    )


def _profit(told: LoggedRun, _: object) -> dict[str, float]:
    sold = told.schedules()["site", "mw"].sum()
    return {"profit": told.settlement()["bill"] - 20 * float(sold)}


KIND = SystemKind(
    schema=OnePrice,
    parties=_parties,
    study_tables=_places,
    report=_report,
    replay=lambda: ReplayKind((), _profit, lambda told, tables: ()),
)


def _study() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(study_path("disco-microgrids").read_text("utf-8"))
    data |= {"study": "seller", "system": "one-price", "steps": HOURS, "currency": "EUR"}
    data["title"] = "One price"
    data["timetable"] = data["timetable"][-1:]
    data["methods"].pop("best_response")
    data["cases"] = [{"name": "only", "ac": "enforce"}]
    data["agents"] = [{"kind": "seller", "name": "seller"}, {"kind": "site", "name": "site"}]
    data.pop("scenarios")
    data.pop("ramp_penalty")
    return data


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("one_price")
    module.__dict__["KIND"] = KIND
    monkeypatch.setitem(sys.modules, "one_price", module)
    monkeypatch.setitem(systems.SYSTEMS, "one-price", "one_price")


@pytest.mark.usefixtures("registered")
def test_a_second_system_runs_and_is_reported_and_replayed(
    written: Written, tmp_path: Path
) -> None:
    out = tmp_path / "result"
    result = run(written(data=_study()), out)
    assert result.certified, result.cases[0].shortcomings
    assert result.system == "one-price"
    # At 45 it sells 2 MW an hour, at 60 only 1: 2 * 25 is more than 1 * 40.
    assert result.cases[0].kpis["profit"].value == pytest.approx(HOURS * 2 * 25)
    page = (out / "report.html").read_text("utf-8")
    for text in ("A profit of 150", "Lowest voltage", 'id="payments"', 'id="feeder"', "Payer"):
        assert text in page
    assert "Disco" not in page
    assert "Ties" not in page
    assert "Linear and AC voltages" not in page
    assert not any("linear" in line for line in result_lines(result))
    assert replay(out) == []
    summary = json.loads((out / "summary.json").read_text("utf-8"))
    summary["cases"]["only"]["kpis"]["profit"]["value"] += 1
    (out / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    assert any("profit is 151" in difference for difference in replay(out))


@pytest.mark.usefixtures("registered")
def test_a_study_is_held_against_its_own_system(written: Written) -> None:
    data = _study()
    data["cases"][0]["ramp_penalty"] = True
    data["ramp_penalty"] = True
    with pytest.raises(eg.UnusableInput, match="unknown field 'ramp_penalty'"):
        eg.load_study(written(data=data))


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("disco-microgrid", "; did you mean 'disco-microgrids'? (got 'disco-microgrid')"),
        ("something", " (got 'something')"),
        (5, " (got 5)"),
        (None, " (got null)"),
    ],
)
def test_an_unknown_system_is_told_alone(name: object, words: str, written: Written) -> None:
    def spoil(data: dict[str, Any]) -> None:
        data["agents"][3]["bus_"] = 4
        data["scenarios"]["load"]["relative_deviation"] = -1
        data["system"] = data.pop("system") and name  # now the last line

    path = written(spoil)
    with pytest.raises(eg.UnusableInput) as refused:
        eg.load_study(path)
    *_, last = refused.value.findings
    assert last.line == len(path.read_text("utf-8").splitlines())
    known = " or ".join(map(repr, systems.SYSTEMS))
    assert known.startswith("'disco-microgrids' or ")
    expected = f"system: must be {known}{words}"
    assert str(last).endswith(expected)
    # What else is wrong is not known: the rest would be held against another system's fields.
    assert [finding.path for finding in refused.value.findings] == ["system"]


def test_a_study_without_a_system(written: Written) -> None:
    with pytest.raises(eg.UnusableInput) as refused:
        eg.load_study(written(lambda data: data.pop("system")))
    (finding,) = refused.value.findings
    assert "missing field 'system'; use 'disco-microgrids'" in str(finding)


@pytest.mark.parametrize("name", systems.SYSTEMS)
def test_what_a_system_names_is_there(name: str) -> None:
    kind = system_kind(name)
    assert issubclass(kind.schema, StudyFile)
    assert kind.report().pictures
    assert kind.replay().tables
    for call in (kind.parties, kind.study_tables):
        with pytest.raises(TypeError, match="argument"):  # it was imported, then called
            call()  # type: ignore[call-arg]


def test_a_written_study_keeps_the_order_of_the_shipped_one(written: Written) -> None:
    path = written(lambda data: data.update(messages={"loss": 0.1}))
    again = yaml.safe_load(eg.load_study(path).to_yaml())
    shipped = yaml.safe_load(study_path("disco-microgrids").read_text("utf-8"))
    assert list(again["cases"][0]) == list(shipped["cases"][0])
    fields = [field for field in again if field != "messages"]
    assert fields == list(shipped)
    assert list(again)[-2:] == ["agents", "messages"]  # as in the file


def test_a_linearisation_may_be_asked_for(written: Written) -> None:
    wanted = {"rounds": 5, "tolerance_pu": 1e-4}
    asked = eg.load_study(written(lambda data: data["network"].update(linearisation=wanted)))
    assert asked.spec.network is not None
    assert asked.spec.network.linearisation is not None
    assert yaml.safe_load(asked.to_yaml())["network"]["linearisation"] == wanted
    absent = eg.load_study(written())
    assert "linearisation" not in absent.to_yaml()
    assert absent.digest() != asked.digest()


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"rounds": 0, "tolerance_pu": 1e-4}, "network.linearisation.rounds: must be at least 1"),
        ({"rounds": 51, "tolerance_pu": 1e-4}, "network.linearisation.rounds: must be at most 50"),
        ({"rounds": 5, "tolerance_pu": 0}, "tolerance_pu: must be greater than 0"),
        ({"rounds": 5}, "missing field 'tolerance_pu'"),
        (3, "network.linearisation: must be a mapping"),
    ],
)
def test_a_bad_linearisation_is_refused(wanted: object, words: str, written: Written) -> None:
    path = written(lambda data: data["network"].update(linearisation=wanted))
    with pytest.raises(eg.UnusableInput) as refused:
        eg.load_study(path)
    assert any(words in str(finding) for finding in refused.value.findings)
