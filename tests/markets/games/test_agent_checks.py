"""One check for every agent: the shipped ones pass, and each mistake is named."""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cvxpy as cp
import numpy as np
import pytest

import equigrid as eg
from equigrid.arrays import FloatArray
from equigrid.errors import NoAnswer, UnusableGame
from equigrid.experiments.disco_microgrids.parties import DiscoMicrogrids
from equigrid.experiments.running.loading import load_study
from equigrid.markets.forms.agent_solver import AgentSolver
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.games import agent_checks
from equigrid.markets.games.agent_checks import check_agent
from equigrid.markets.model.agent import Agent

HOURS, COUNT = 3, itertools.count(1)


def _site(
    sign: float = 1.0,
    *,
    said: str = "import_mw",
    heard: str = "price",
    label: str | None = "balance",
    more: Mapping[str, cp.Parameter] | None = None,
    rows: Sequence[cp.Constraint] = (),
    price: cp.Parameter | None = None,
    cost: cp.Expression | float = 0.0,
    most_mw: float = 9.0,
) -> Agent:
    """Cover 2 MW from outside at the price heard, or with 1 MW of its own at 45."""
    price = cp.Parameter(HOURS) if price is None else price
    bought = cp.Variable(HOURS, bounds=[-most_mw, most_mw])
    own = cp.Variable(HOURS, bounds=[0, 1])
    balance = (bought + own == 2).set_label(label)
    problem = cp.Problem(
        cp.Minimize(sign * (price @ bought) + 45 * cp.sum(own) + cost), [balance, *rows]
    )
    return Agent("site", problem, {heard: price, **(more or {})}, {said: bought})


def _findings(agent: Agent, heard: Mapping[str, Any] | None = None) -> list[str]:
    with pytest.raises(UnusableGame) as caught:
        check_agent(agent, heard)
    return list(caught.value.findings)


@pytest.fixture(scope="module")
def parties() -> tuple[Agent, ...]:
    study = load_study("disco-microgrids").in_case("with-flexibility")
    return tuple(DiscoMicrogrids(study).game.agents)


@pytest.mark.parametrize(
    "value",
    [pytest.param(None, marks=pytest.mark.slow), 0.0, pytest.param(40.0, marks=pytest.mark.slow)],
)
def test_every_shipped_agent_passes(parties: tuple[Agent, ...], value: float | None) -> None:
    for agent in parties:
        prices = {n: p for n, p in agent.hears.items() if n.endswith(("price", "per_mwh"))}
        example = {name: np.full(p.shape, value) for name, p in prices.items()}
        check_agent(agent, example if value is not None else None)


def test_is_public_and_says_nothing_of_a_sound_agent() -> None:
    assert eg.check_agent is check_agent
    check_agent(_site(), {"price": [30, 50, 60]})
    check_agent(_site(price=cp.Parameter(HOURS, nonpos=True)))
    check_agent(Agent("iso", hears={"purchase_mw": cp.Parameter(2)}, says={"price": np.ones(2)}))


def test_every_mistake_of_a_declaration_at_once() -> None:
    idle = cp.Parameter(name="idle")
    agent = _site(-1.0, label=None, more={"idle": idle, "idle_kw": idle})
    assert _findings(agent, {"prise": 1.0}) == [
        f"constraint 1 of 'site' ({agent.problem.constraints[0]}) needs a "  # type: ignore[union-attr]
        '.set_label("...")',
        "agent 'site' hears 'idle_kw'; state it in mw instead of kw",
        "agent 'site' does not use 'idle'; remove it from hears",
        "agent 'site' does not use 'idle_kw'; remove it from hears",
        "agent 'site' has one Parameter for 'idle' and another name; make two",
        "agent 'site' has one Parameter for 'idle_kw' and another name; make two",
        "agent 'site' hears no 'prise'; did you mean 'price'?",
        "agent 'site' counts price × import_mw as income; make it a cost",
    ]


def test_a_long_constraint_is_told_briefly() -> None:
    (finding,) = _findings(_site(rows=[sum(cp.Variable(name="long_name") for _ in range(9)) <= 1]))
    assert "constraint 2 of 'site'" in finding
    assert len(finding) < 110


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("import", "without a unit; let the name end in it, as in 'import_mw'"),
        ("mg-1_Load", "without a unit"),
        ("stored_kwh", "state it in mwh instead of kwh"),
        ("import mw", "use letters, digits and underscores only"),
    ],
)
def test_names_and_units(name: str, what: str) -> None:
    (finding,) = _findings(_site(said=name))
    assert finding.startswith(f"agent 'site' says '{name}'")
    assert what in finding


@pytest.mark.parametrize("name", ["x", "mg-1_import_mw", "own_cost", "load_factor", "load_mvar"])
def test_names_that_raise_no_alarm(name: str) -> None:
    check_agent(_site(said=name))


def test_heard_values_stay_out_of_the_matrix() -> None:
    share, x = cp.Parameter(name="share"), cp.Variable()
    agent = _site(more={"share": share}, rows=[(share * x <= 1).set_label("share")])
    (finding,) = _findings(agent)
    assert finding.startswith("'site.share' multiplies a variable in a constraint")


def test_a_computed_parameter_cannot_be_told() -> None:
    computed = cp.CallbackParam(lambda: 3.0, ())
    assert "computes 'fee' itself" in _findings(_site(more={"fee": computed}, cost=computed))[0]


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("dear", "must be numbers, got 'dear'"),
        ([1.0, 2.0], r"has shape (2,), its Parameter (3,)"),
        ([1.0, np.nan, 3.0], "must be finite"),
        ([1.0, -2.0, 3.0], "is not of the sign"),
    ],
)
def test_an_example_that_cannot_be_heard_is_named(value: object, what: str) -> None:
    (finding,) = _findings(_site(price=cp.Parameter(HOURS, nonneg=True)), {"price": value})
    assert finding.startswith("example 'price' for agent 'site' ")
    assert what in finding


def test_an_example_without_an_answer_is_named() -> None:
    limit = cp.Parameter(name="limit_mw")
    row = (cp.Variable(bounds=[2, 3]) <= limit).set_label("limit")
    agent = Agent("ev", cp.Problem(cp.Minimize(0), [row]), {"limit_mw": limit})
    (finding,) = _findings(agent)
    assert finding.startswith("agent 'ev' has no best answer to what it hears (infeasible); ")
    check_agent(agent, {"limit_mw": 2.5})
    assert "(unbounded)" in _findings(_site(most_mw=np.inf, cost=-cp.Variable()))[0]


def test_export_is_paid_for() -> None:
    (finding,) = _findings(_site(1.0, said="export_mw", heard="tariff_per_mwh"))
    assert finding == ("agent 'site' counts tariff_per_mwh × export_mw as a cost; make it income")
    check_agent(_site(-1.0, said="export_mw"))
    check_agent(_site(-1.0, heard="rebate_per_mwh"))


def test_points_around_the_example_need_no_answer() -> None:
    """It buys and sells without limit, so it has no best answer where selling pays more."""
    buy, sell, both = cp.Parameter(), cp.Parameter(), cp.Variable(nonneg=True)
    cost = buy * both - sell * both
    agent = Agent("dealer", cp.Problem(cp.Minimize(cost)), {"buy": buy, "sell": sell})
    check_agent(agent, {"buy": 50.0, "sell": 49.0})


def test_whole_numbers_and_maximisation() -> None:
    price, on = cp.Parameter(HOURS), cp.Variable(HOURS, boolean=True)
    rows = [(cp.sum(on) <= 2).set_label("at most two hours")]
    gain = cp.Maximize(50 * cp.sum(on) - price @ (0.25 * on))
    agent = Agent("pump", cp.Problem(gain, rows), {"price": price}, {"import_mw": 0.25 * on})
    check_agent(agent, {"price": [300.0, 100.0, 150.0]})


def test_a_convex_quadratic_cost() -> None:
    price, bought = cp.Parameter(HOURS), cp.Variable(HOURS, bounds=[0, 5])
    cost = price @ bought + 3 * cp.sum_squares(bought - 4)
    agent = Agent("site", cp.Problem(cp.Minimize(cost)), {"price": price}, {"import_mw": bought})
    check_agent(agent, {"price": [5.0, 10.0, 30.0]})


def test_a_cone_is_refused() -> None:
    (finding,) = _findings(_site(rows=[(cp.norm(cp.Variable(2)) <= 2).set_label("cone")]))
    assert "the problem of agent 'site' is n" in finding


def test_parameters_and_variables_are_left_as_they_were() -> None:
    agent = _site()
    price, bought, problem = agent.hears["price"], agent.says["import_mw"], agent.problem
    assert problem is not None
    check_agent(agent)
    assert (price.value, bought.value, problem.value) == (None, None, None)
    price.value = [1.0, 2.0, 3.0]
    before = problem.solve(solver=cp.HIGHS), bought.value.tolist()
    check_agent(agent, {"price": [90.0, 90.0, 90.0]})
    assert price.value.tolist() == [1.0, 2.0, 3.0]
    assert (problem.value, bought.value.tolist()) == before


def test_takes_the_maker_of_an_agent_for_a_mistake(parties: tuple[Agent, ...]) -> None:
    with pytest.raises(UnusableGame, match="tuple is no Agent"):
        check_agent(parties)  # type: ignore[arg-type]


def _more_when_dear(form: StandardForm, heard: FloatArray, answer: FloatArray) -> FloatArray:
    return form.upper if heard.sum() > 90 else answer


def _ever_more(form: StandardForm, heard: FloatArray, answer: FloatArray) -> FloatArray:
    return answer + next(COUNT)


def _no_name(form: StandardForm, heard: FloatArray, answer: FloatArray) -> FloatArray:
    if abs(heard).max() > 1e5:
        raise NoAnswer("no answer")
    return answer


@pytest.mark.parametrize(
    ("odd", "what"),
    [
        (_more_when_dear, "takes more of what 'price' multiplies when 'price' rises"),
        (_ever_more, "when solved again; let its problem depend on nothing but what it hears"),
        (_ever_more, "when solved through cvxpy; let its problem depend on nothing but"),
        (_no_name, "agent 'site' is not named by what it cannot answer (no answer)"),
    ],
)
def test_answers_that_no_sound_agent_gives(
    monkeypatch: pytest.MonkeyPatch, odd: Callable[..., FloatArray], what: str
) -> None:
    class Odd(AgentSolver):
        def solve(self, heard: FloatArray) -> FloatArray:
            return odd(self.form, heard, super().solve(heard))

    monkeypatch.setattr(agent_checks, "AgentSolver", Odd)
    findings = _findings(_site(), {"price": [30.0, 30.0, 30.0]})
    assert sum(what in finding for finding in findings) == 1


def test_findings_are_printed_as_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[3] / "docs" / "your-own-agent.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        exec(compile(block, "your-own-agent.md", "exec"), names)
    printed = capsys.readouterr().out
    assert f"\n```\n{printed}```\n" in page
