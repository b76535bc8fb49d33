"""Talking about balances: lost and late messages, who sees what, silence, and no answer."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

import cvxpy as cp
import numpy as np
import pytest

import equigrid as eg
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.message_log import read_log
from equigrid.markets.messaging.messages import Message, Response, Signal

HOURS = 4
LOAD = np.array([3.0, 6.0, 9.0, 4.0])
ROUGH = eg.Admm(tolerance=1e-4, dual_tolerance=1e-4)
LOSSY = eg.Faults(loss=0.2, seed=1)
LATE = eg.Faults(delay_rounds=3, seed=2)
WORST = eg.Faults(loss=0.2, delay_rounds=3, duplicate=0.2, seed=3)

DIGEST = """
import runpy, sys
made = runpy.run_path(sys.argv[1])
print(made["talked"](made["WORST"])[0].digest())
"""


def _plant() -> eg.Agent:
    output = cp.Variable(HOURS, bounds=[0, 12])
    cost = 15 * cp.sum(output) + cp.sum_squares(output)
    rows = [cp.abs(cp.diff(output)) <= 4]
    return eg.Agent("plant", cp.Problem(cp.Minimize(cost), rows), says={"output_mw": output})


def _market() -> eg.Agent:
    bought = cp.Variable(HOURS, bounds=[-8, 8])
    cost = np.array([22.0, 30.0, 41.0, 26.0]) @ bought + 0.2 * cp.sum_squares(bought)
    return eg.Agent("market", cp.Problem(cp.Minimize(cost)), says={"bought_mw": bought})


def _microgrid(name: str, load: float) -> eg.Agent:
    """Cover a share of the load from outside and from storage."""
    taken = cp.Variable(HOURS, bounds=[-5, 12])
    charge, discharge = (cp.Variable(HOURS, bounds=[0, 1.5]) for _ in range(2))
    energy = 1.5 + cp.cumsum(0.9 * charge - discharge / 0.9)
    rows = [taken == load * LOAD + charge - discharge]
    rows += [energy >= 0, energy <= 3, energy[HOURS - 1] >= 1.5]
    cost = 0.5 * cp.sum(charge + discharge)
    return eg.Agent(name, cp.Problem(cp.Minimize(cost), rows), says={"import_mw": taken})


def pool(*more: eg.Agent, extra: Iterable[str] = ()) -> eg.Game:
    """Return an exchange of four parties, with more of them if given."""
    agents = [_plant(), _market(), _microgrid("mg1", 0.6), _microgrid("mg2", 0.4), *more]
    terms = ["plant.output_mw", "market.bought_mw", "-mg1.import_mw", "-mg2.import_mw", *extra]
    return eg.Game(agents, balances=[eg.Balance("energy", terms)])


def talked(
    faults: eg.Faults | None = None, method: eg.Admm = ROUGH, game: eg.Game | None = None
) -> tuple[Mailroom, eg.Equilibrium]:
    """Return the mailroom after a talk, and what came of it."""
    room = Mailroom(faults=faults)
    return room, room.run(method.play(game or pool(), room))


@pytest.fixture(scope="module")
def central() -> eg.Equilibrium:
    return eg.Exact().solve(pool())


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "faults",
    [
        {"loss": 0.2},
        {"delay_rounds": 3},
        pytest.param({"loss": 0.2, "delay_rounds": 3}, marks=pytest.mark.slow),
        {"loss": 0.2, "delay_rounds": 3, "duplicate": 0.3},
    ],
    ids=" ".join,
)
def test_the_optimum_is_reached_whatever_happens_to_messages(
    faults: dict[str, Any], seed: int, central: eg.Equilibrium
) -> None:
    room, found = talked(eg.Faults(**faults, seed=seed))
    assert any(message.fault for message in room.log)
    assert found.settled
    certificate = found.certificate
    assert certificate.total_cost == pytest.approx(central.certificate.total_cost, rel=1e-3)
    assert certificate.optimality_gap is not None
    assert certificate.optimality_gap <= 1e-3
    assert certificate.balance_residual is not None
    assert certificate.balance_residual <= 1e-3
    assert found.prices["energy"] == pytest.approx(central.prices["energy"], rel=1e-2)


@pytest.mark.slow
def test_two_balances_survive_faults_as_well() -> None:
    """What an agent says in one balance arrives, what it says in the other may not."""
    game = _two_balances()
    central = eg.Exact().solve(game)
    _, found = talked(WORST, game=game)
    assert found.settled
    assert found.certificate.total_cost == pytest.approx(central.certificate.total_cost, rel=1e-3)


def _two_balances() -> eg.Game:
    output, ready = (cp.Variable(HOURS, bounds=[0, 9]) for _ in range(2))
    cost = 12 * cp.sum(output) + 0.5 * cp.sum_squares(output) + 0.1 * cp.sum_squares(ready)
    says = {"output_mw": output, "ready_mw": ready}
    turbine = eg.Agent("turbine", cp.Problem(cp.Minimize(cost), [output + ready <= 9]), says=says)
    help_mw = cp.Variable(HOURS, bounds=[0, 9])
    cost = 3 * cp.sum(help_mw) + cp.sum_squares(help_mw)
    helper = eg.Agent("helper", cp.Problem(cp.Minimize(cost)), says={"ready_mw": help_mw})
    game = pool(turbine, helper, extra=["turbine.output_mw"])
    reserve = eg.Balance("reserve", ["turbine.ready_mw", "helper.ready_mw"], 4.0)
    return eg.Game(game.agents, balances=[*game.balances, reserve])


@pytest.mark.slow
def test_one_seed_is_one_log_to_the_byte() -> None:
    once, again, other = (
        talked(faults)[0].lines()
        for faults in (WORST, WORST, eg.Faults(loss=0.2, delay_rounds=3, duplicate=0.2, seed=4))
    )
    assert once == again
    assert once != other


@pytest.mark.slow
def test_the_log_is_the_same_in_another_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", DIGEST, __file__],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "4711"},
    )
    assert done.stdout.split()[-1] == talked(WORST)[0].digest()  # HiGHS greets before


def test_a_log_is_read_back_as_it_was_written(tmp_path: Any) -> None:
    room, _ = talked(WORST)
    path = tmp_path / "messages.jsonl"
    path.write_text(room.lines(), encoding="utf-8")
    assert read_log(path) == room.log


@pytest.mark.parametrize("name", ["plant", "mg2"])
def test_who_falls_silent_is_named(name: str) -> None:
    with pytest.raises(eg.NoAnswer, match=f"'{name}' fell silent.*round 7 of") as silence:
        talked(eg.Faults(silent={name: 7}), eg.Admm(patience=10))
    assert silence.value.agent == name
    assert "silent='go on'" in str(silence.value)


def test_who_never_says_anything_is_named_even_where_others_go_on() -> None:
    method = eg.Admm(patience=5, silent="go on")
    with pytest.raises(eg.NoAnswer, match="'mg1' was not heard once") as silence:
        talked(eg.Faults(silent={"mg1": 0}), method)
    assert silence.value.agent == "mg1"


def test_a_balance_cannot_be_silenced() -> None:
    faults = eg.Faults(silent={"reserve": 3, "mg1": 5, "energy": 1})
    with pytest.raises(ValueError, match=r"names 'energy', 'reserve', which .* not an agent") as no:
        eg.Admm().solve(_two_balances(), faults)
    assert "can fall silent: 'plant', 'market', 'mg1', 'mg2', 'turbine', 'helper'" in str(no.value)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["market", pytest.param("mg1", marks=pytest.mark.slow)])
def test_others_settle_around_what_a_silent_party_said_last(name: str) -> None:
    """Its last offer stands, and the others do what is best beside it."""
    method = eg.Admm(patience=10, silent="go on")
    room, found = talked(eg.Faults(silent={name: 7}), method)
    assert found.settled
    last = next(m for m in room.log if isinstance(m, Response) and (m.sender, m.round) == (name, 7))
    agent = found.game.agent(name)
    said = next(iter(agent.says))
    term = next(t for t in found.game.balances[0].signed if t.agent == name)
    shown = term.sign * np.array(last.values["quantity"])
    assert found.values[f"{name}.{said}"] == pytest.approx(shown, abs=1e-7)
    assert found.certificate.balance_residual is not None
    assert found.certificate.balance_residual <= 1e-5
    others = {k: v for k, v in found.certificate.regret.items() if k != name}
    assert max(others.values()) <= 1e-3
    assert found.certificate.total_cost == pytest.approx(_least_beside(found, name), rel=1e-3)


def _least_beside(found: eg.Equilibrium, name: str) -> float:
    """Return the least total cost where one party does what it said."""
    agents = []
    for agent in pool().agents:
        if agent.name != name:
            agents.append(agent)
            continue
        assert agent.problem is not None
        rows = list(agent.problem.constraints)
        off = cp.Variable(HOURS, nonneg=True)
        rows += [
            cp.abs(e - found.values[f"{name}.{said}"]) <= off for said, e in agent.says.items()
        ]
        cost = agent.problem.objective.expr + 1e4 * cp.sum(off)
        agents.append(eg.Agent(name, cp.Problem(cp.Minimize(cost), rows), says=agent.says))
    cost = eg.Exact().solve(eg.Game(agents, balances=pool().balances)).certificate.total_cost
    assert cost is not None
    return cost


def _received(party: str, game: eg.Game) -> tuple[list[Message], Mailroom]:
    """Return what reached a party's letter box in the course of a talk."""
    room, mail = Mailroom(), []
    room.watch(lambda m: mail.append(m) if m.receiver == party else None, delivered=True)
    room.run(ROUGH.play(game, room))
    return mail, room


def test_a_party_sees_prices_and_nothing_of_the_others() -> None:
    mail, room = _received("mg1", _two_balances())
    requests = [message for message in mail if isinstance(message, Signal)]
    assert {message.sender for message in mail} == {"energy"}
    assert {message.kind for message in mail} <= {"Signal", "FinalSignal", "Settlement"}
    named = {"price", "shift", "rho", "version", "mix", "window"}
    assert all(set(message.values) == named for message in requests)
    offers = [m for m in room.log if isinstance(m, Response) and m.sender != "mg1"]
    theirs = {tuple(m.values[key]) for m in offers for key in ("quantity", "step")}
    theirs -= {(0.0,) * HOURS}  # where everybody begins, which tells nothing
    for message in requests:
        assert np.shape(message.values["price"]) == (HOURS,)
        assert np.shape(message.values["shift"]) == (HOURS,)
        assert np.shape(message.values["rho"]) == ()
        assert tuple(message.values["price"]) not in theirs
        assert tuple(message.values["shift"]) not in theirs


def test_who_stands_at_one_entry_hears_of_that_entry_only() -> None:
    at, output = np.eye(HOURS)[2], cp.Variable(bounds=[0, 5])
    peaker = eg.Agent(
        "peaker", cp.Problem(cp.Minimize(20 * output)), says={"output_mw": at * output}
    )
    mail, room = _received("peaker", pool(peaker, extra=["peaker.output_mw"]))
    for message in mail:
        if isinstance(message, Signal):
            assert np.shape(message.values["price"]) == (1,)
    for message in room.log:
        if isinstance(message, Response) and message.sender == "peaker":
            assert np.shape(message.values["quantity"]) == (1,)


@pytest.mark.slow
def test_parties_talk_to_their_balances_and_to_nobody_else() -> None:
    room, _ = talked(game=_two_balances())
    talk = {(m.sender, m.receiver) for m in room.log if isinstance(m, Response)}
    energy = {"plant", "market", "mg1", "mg2", "turbine"}
    assert talk == {(name, "energy") for name in energy} | {
        (name, "reserve") for name in ("turbine", "helper")
    }
    asked = {(m.receiver, m.sender) for m in room.log if isinstance(m, Signal)}
    assert asked == talk
    assert '"own_cost"' not in room.lines()
    for message in room.log:
        if isinstance(message, Response):
            assert np.shape(message.values["quantity"]) == (HOURS,)
            assert set(message.values) == {
                *("quantity", "step", "step_size", "products", "size", "version"),
            }


def test_a_balance_adapts_its_rho_unless_told_not_to() -> None:
    adapting, fixed = eg.Admm(rho=1e-3), eg.Admm(rho=0.5, adapt=False)
    weights = [record["rho"]["energy"] for record in talked(method=adapting)[1].rounds]
    assert weights[0] == 1e-3
    assert weights[-1] > 1e-2
    assert {record["rho"]["energy"] for record in talked(method=fixed)[1].rounds} == {0.5}


@pytest.mark.slow
def test_each_balance_has_a_rho_of_its_own() -> None:
    _, found = talked(game=_two_balances(), method=eg.Admm(rho=1e-3))
    assert found.rounds[-1]["rho"]["energy"] != found.rounds[-1]["rho"]["reserve"]


def test_a_limit_of_rounds_is_told_as_not_settled() -> None:
    _, found = talked(method=eg.Admm(rounds=3))
    assert not found.settled
    assert found.statistics["rounds"] == len(found.rounds) == 3
    assert found.certificate.balance_residual is not None
    assert found.certificate.balance_residual > 1e-3


@pytest.mark.parametrize("memory", [0, 10])
@pytest.mark.parametrize("relaxation", [pytest.param(1.0, marks=pytest.mark.slow), 1.6])
def test_plain_and_accelerated_rounds_end_alike(
    memory: int, relaxation: float, central: eg.Equilibrium
) -> None:
    method = eg.Admm(memory=memory, relaxation=relaxation)
    found = method.solve(pool())
    assert found.settled
    assert found.certificate.total_cost == pytest.approx(central.certificate.total_cost, rel=1e-4)
    assert found.prices["energy"] == pytest.approx(central.prices["energy"], abs=2e-2)


def _impossible() -> eg.Agent:
    drawn = cp.Variable(HOURS, bounds=[0, 1])
    problem = cp.Problem(cp.Minimize(cp.sum(drawn)), [cp.sum(drawn) == 9])
    return eg.Agent("wishful", problem, says={"drawn_mw": drawn})


@pytest.mark.parametrize("method", [eg.Exact(), eg.Admm()])
def test_an_agent_without_a_feasible_answer_is_named(method: eg.Exact | eg.Admm) -> None:
    with pytest.raises(eg.NoAnswer, match="'wishful'") as refusal:
        method.solve(pool(_impossible(), extra=["-wishful.drawn_mw"]))
    assert refusal.value.agent == "wishful"


def _short() -> eg.Game:
    """Ask for more in the third hour than there can be."""
    game = pool()
    terms = game.balances[0].terms
    return eg.Game(game.agents, balances=[eg.Balance("energy", terms, [0, 0, 60.0, 0])])


@pytest.mark.parametrize("method", [eg.Exact(), eg.Admm(rounds=50)])
def test_a_balance_that_cannot_hold_is_named(method: eg.Exact | eg.Admm) -> None:
    with pytest.raises(eg.NoAnswer, match=r"balance 'energy' cannot hold: at entry \(2,\)"):
        method.solve(_short())
