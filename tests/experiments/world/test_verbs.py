"""The verbs of the world: what each leaves in its stage, and what each refuses."""

from collections.abc import Callable, Iterator
from typing import Any

import cvxpy as cp
import numpy as np
import pytest

import equigrid as eg

Day = Callable[[eg.World], Any]
SAID: dict[str, Any] = {
    "study": "verbs",
    "title": "Verbs",
    "currency": "EUR",
    "seed": 5,
    "steps": 4,
    "step_minutes": 15,
    "cases": [{"name": "only"}],
}
ON_A_FEEDER = {**SAID, "network": {"feeder": "baran-wu-33"}}


def played(day: Day, said: dict[str, Any] | None = None, case: str = "only") -> eg.CaseRun:
    """Play a day that is a function of the world."""

    class System(eg.System[eg.StudySpec]):
        def day(self, world: eg.World) -> Any:
            return day(world)

    return eg.testing.play(System, SAID if said is None else said, case=case)


def pool(*, cost: float = 20.0, steps: int = 4) -> eg.Game:
    """Return a game in which a plant serves a load of 2 MW."""
    output = cp.Variable(steps, bounds=[0, 5])
    plant = eg.Agent(
        "plant", cp.Problem(cp.Minimize(0.25 * cost * cp.sum(output))), {}, {"mw": output}
    )
    load = eg.Agent("load", says={"mw": cp.Constant(np.full(steps, 2.0))})
    return eg.Game([plant, load], balances=[eg.Balance("energy", ["plant.mw", "-load.mw"])])


def race() -> eg.Game:
    """Return a Nash game of two firms."""

    def firm(name: str) -> eg.Agent:
        output, others = cp.Variable(bounds=[0, 99]), cp.Parameter()
        profit = 90 * output - cp.square(output) - others * output
        return eg.Agent(name, cp.Problem(cp.Maximize(profit)), {"others": others}, {"q": output})

    links = [eg.Link("a.q", "b.others"), eg.Link("b.q", "a.others")]
    return eg.Game([firm("a"), firm("b")], links=links)


@pytest.mark.parametrize("method", [eg.Admm(), eg.Exact()])
def test_a_game_is_played_in_the_steps_of_the_study(method: Any) -> None:
    def day(world: eg.World) -> Iterator[Any]:
        found = yield world.play("pool", pool(), method)
        assert found is world.stages["pool"].equilibrium

    run = played(day)
    eg.testing.assert_certified(run)
    table = run.table("settlement")
    # 2 MW for an hour at 20 per MWh, in quarter-hours.
    assert table.query("payee == 'plant'")["amount"].sum() == pytest.approx(40, rel=1e-4)
    assert table["stage"].unique().tolist() == ["pool"]


def test_answers_that_claim_no_optimum_end_certified_in_words_of_their_own() -> None:
    def day(world: eg.World) -> Iterator[Any]:
        yield world.play("race", race(), eg.BestResponse())

    run = played(day)
    eg.testing.assert_certified(run)
    questions = [check.question for check in run.stage("race").checks]
    assert not any("leader" in question or "bound" in question for question in questions)
    assert {check.part for check in run.stage("race").checks} <= {
        "The parties",
        "Money and promises",
    }


def test_a_stage_that_does_not_bind_is_shown_and_ends_nothing() -> None:
    found: list[Any] = []

    def day(world: eg.World) -> Iterator[Any]:
        short = eg.BestResponse(rounds=1, tolerance=1e-9)
        found.append((yield world.play("talk", race(), short, binding=False)))
        # No method answers a Nash game by balances: that fails, and the day goes on.
        found.append((yield world.play("wrong", race(), eg.Exact(), binding=False)))
        yield world.play("pool", pool(), eg.Exact())

    run = played(day)
    eg.testing.assert_certified(run)
    assert found[0] is run.stage("talk").equilibrium
    assert any(check.holds is False for check in run.stage("talk").checks)
    assert found[1] is None
    assert "Exact does not answer" in run.stage("wrong").failure
    assert [stage.name for stage in run.binding] == ["pool"]
    assert set(run.table("settlement")["stage"]) == {"pool"}


def test_a_stage_that_binds_ends_the_day_where_it_fails() -> None:
    def day(world: eg.World) -> Iterator[Any]:
        yield world.play("wrong", race(), eg.Exact())

    with pytest.raises(
        eg.SystemFailed, match=r"test_verbs\.py:\d+: in day: only: wrong: Exact does"
    ):
        played(day)


def test_what_a_study_states_of_a_method_holds() -> None:
    def day(world: eg.World) -> Iterator[Any]:
        yield world.play("race", race(), eg.BestResponse())

    said = {**SAID, "methods": {"best_response": {"rounds": 1, "tolerance": 1e-9}}}
    run = played(day, said)
    assert len(run.stage("race").equilibrium.rounds) == 1  # type: ignore[union-attr]
    with pytest.raises(AssertionError, match="did not settle within its round limit"):
        eg.testing.assert_certified(run)


@pytest.mark.parametrize("method", [eg.Admm(), eg.Exact()])
def test_a_linear_network_is_renewed_whatever_the_method(method: Any) -> None:
    """The cost of what is lost comes nearer by half in every round; the last game counts."""
    costs: list[float] = []

    def renew(answer: Any) -> tuple[eg.Game, float]:
        at = answer.values["plant.mw"][0]
        assert at == pytest.approx(2.0, abs=1e-3)
        costs.append(20.0 + 2.0 ** -len(costs))
        return pool(cost=costs[-1]), 2.0 ** -len(costs)

    def day(world: eg.World) -> Iterator[Any]:
        yield world.play("pool", pool(cost=22.0), method, renew=renew)

    said = {**ON_A_FEEDER, "network": {"feeder": "baran-wu-33", "linearisation": FITTED}}
    stage = played(day, said).stage("pool")
    assert [one.number for one in stage.linear_rounds] == [1, 2, 3, 4]
    # Found on the game that the third round made, the last but one of those that there are.
    assert stage.equilibrium is not None
    assert stage.equilibrium.prices["energy"][0] == pytest.approx(costs[2], rel=1e-3)
    assert all(check.holds is not False for check in stage.checks)
    unfit = {**said, "network": {**said["network"], "linearisation": {**FITTED, "rounds": 2}}}
    costs.clear()
    failing = [
        check.shortfall for check in played(day, unfit).stage("pool").checks if check.holds is False
    ]
    assert failing == [
        "after round 2 the linear network still differs from AC power flow by 0.25, where 0.1 p.u. "
        "is asked for"
    ]


FITTED = {"rounds": 9, "tolerance_pu": 0.1}


def storage(steps: int = 4) -> eg.Agent:
    price, stored = cp.Parameter(steps), cp.Parameter()
    power, level = cp.Variable(steps, bounds=[-1, 1]), cp.Variable(steps, bounds=[0, 2])
    before = cp.hstack([stored, level[:-1]])
    rows = [(level == before + 0.25 * power).set_label("storage"), level[-1] >= 1]
    hears = {"price": price, "stored": stored}
    says = {"import_mw": power, "level_mwh": level}
    return eg.Agent("storage", cp.Problem(cp.Minimize(0.25 * price @ power), rows), hears, says)


def test_decisions_of_a_rolling_horizon_make_one_schedule() -> None:
    def day(world: eg.World) -> None:
        agent, level = storage(), 1.0
        for step in range(world.steps):
            heard: dict[str, Any] = {"price": np.roll([10.0, 50, 20, 60], -step), "stored": level}
            plan = world.decide("live", agent, heard, implement=slice(0, 1))
            level = float(plan.values["storage.level_mwh"][0])
        assert world.stages["live"].values["storage.import_mw"].shape == (world.steps,)

    run = played(day)
    eg.testing.assert_certified(run)
    levels = 1 + 0.25 * np.cumsum(run.stage("live").values["storage.import_mw"])
    assert np.allclose(levels, run.stage("live").values["storage.level_mwh"])
    assert len(run.stage("live").decisions) == 4
    # Of one question over many decisions the worst is told.
    questions = [check.question for check in run.stage("live").checks]
    assert len(questions) == len(set(questions))


def test_who_cannot_decide_is_named_with_its_step() -> None:
    def day(world: eg.World) -> None:
        world.decide("live", storage(), {"price": np.ones(4), "stored": -9.0})

    with pytest.raises(eg.NoAnswer, match=r"'storage' has no feasible answer .* storage .* step 1"):
        played(day)


def test_loads_are_judged_by_ac_in_their_columns() -> None:
    def day(world: eg.World) -> None:
        network = world.network
        nominal = network.buses["load_mw"].to_numpy(), network.buses["load_mvar"].to_numpy()
        level = np.array([0.5, 1.0, 1.5, 9.0])
        enforced = np.array([True, True, True, False])
        flow = world.operate(
            "live", *(np.outer(load, level) for load in nominal), enforced=enforced
        )
        assert flow.converged.tolist() == [True, True, True, False]
        sent = flow.active_mw[0, :3]
        assert np.allclose(sent, nominal[0].sum() * level[:3] + flow.loss_mw[:3], atol=1e-6)

    said = {**ON_A_FEEDER, "network": {"feeder": "baran-wu-33", "voltage_min_pu": 0.85}}
    run = played(day, said)
    failing = [check.shortfall for check in run.stage("live").checks if check.holds is False]
    assert failing == ["AC power flow does not converge"]
    reported = {**said, "cases": [{"name": "only", "ac": "report"}]}
    eg.testing.assert_certified(played(day, reported))


def test_operations_of_one_stage_stand_side_by_side() -> None:
    def day(world: eg.World) -> None:
        for step in range(3):
            load = world.at_buses({18: 0.1 * step})[:, :1]
            world.operate("live", load, 0 * load)

    flow = played(day, ON_A_FEEDER).stage("live").operation
    assert flow is not None
    assert flow.voltage_pu.shape == (33, 3)
    assert (np.diff(flow.voltage_pu[17]) < 0).all()


def test_series_find_their_buses() -> None:
    tables: list[Any] = []

    def day(world: eg.World) -> None:
        tables.append(world.at_buses({2: [1, 2, 3, 4], 33: 0.5}))
        with pytest.raises(ValueError, match="the feeder has no bus 99"):
            world.at_buses({99: 1.0})
        with pytest.raises(ValueError, match=r"bus 2 has shape \(3,\); give 4 values"):
            world.at_buses({2: [1, 2, 3]})

    played(day, ON_A_FEEDER)
    assert tables[0].shape == (33, 4)
    assert tables[0][1].tolist() == [1, 2, 3, 4]
    assert tables[0][32].tolist() == [0.5] * 4


def test_an_own_check_that_fails_is_told_in_its_own_words() -> None:
    def day(world: eg.World) -> None:
        world.check("live", "Street above its limit", 0.3, 0.2, unit="MW")
        world.check("live", "A figure that is none", float("nan"), 1.0)

    run = played(day)
    holds = [check.holds for check in run.stage("live").checks]
    assert holds == [False, False]
    with pytest.raises(AssertionError, match=r"live: Street above its limit: 0\.3, where 0\.2 is"):
        eg.testing.assert_certified(run)


def test_money_that_is_booked_stands_in_the_settlement_and_in_the_log() -> None:
    messages: list[Any] = []

    def day(world: eg.World) -> None:
        world.pay("live", "energy", "house", "market", 7.5)
        world.pay("live", "pass on", "market", "plant", 7.5)
        world.balanced("live", "market")
        world.balanced("live", "plant")
        messages.extend(world.mailroom.log)

    run = played(day)
    rows = run.table("settlement")[["payment", "payer", "payee", "amount"]].to_numpy().tolist()
    assert rows == [["energy", "house", "market", 7.5], ["pass on", "market", "plant", 7.5]]
    assert [(m.payment, m.amount) for m in messages] == [("energy", 7.5), ("pass on", 7.5)]
    assert [check.holds for check in run.stage("live").checks] == [True, False]


@pytest.mark.parametrize(
    ("booked", "words"),
    [
        (("", "a", "b", 1.0), "a payment needs a name"),
        (("x", "", "b", 1.0), "a payment needs a payer"),
        (("x", "a", "a", 1.0), "payment 'x' is from 'a' to itself"),
        (("x", "a", "b", float("nan")), "payment 'x' from 'a' to 'b' has the amount nan"),
        (("x", "a", "b", float("inf")), "has the amount inf"),
    ],
)
def test_money_that_nobody_could_book_is_refused(booked: Any, words: str) -> None:
    with pytest.raises(eg.SystemFailed, match=words):
        played(lambda world: world.pay("live", *booked))
    with pytest.raises(eg.SystemFailed, match="'b' neither pays nor is paid"):
        played(lambda world: world.balanced("live", "b"))


def _not_yielded(world: eg.World) -> Iterator[Any]:
    world.play("pool", pool(), eg.Exact())
    yield world.at(minute=5)


def _plain(world: eg.World) -> None:
    world.play("pool", pool(), eg.Exact())


def _not_waited(world: eg.World) -> Iterator[Any]:
    world.at(minute=3)
    yield world.at(minute=5)


def _no_event(world: eg.World) -> Iterator[Any]:
    yield 5


def _twice(world: eg.World) -> Iterator[Any]:
    yield world.play("pool", pool(), eg.Exact())
    yield world.play("pool", pool(), eg.Exact())


def _too_late(world: eg.World) -> Iterator[Any]:
    yield world.at(minute=5)
    yield world.at(minute=3)


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (_not_yielded, r"world\.play\('pool', …\) was never yielded; write: yield"),
        (_plain, r"world\.play\('pool', …\) was never yielded"),
        (_not_waited, r"world\.at\(minute=3\) was never yielded"),
        (_no_event, "day yielded int, which is no event"),
        (_twice, "stage 'pool' has played a game already"),
        (_too_late, "minute 3 is over: the clock stands at 5"),
        (lambda world: 5, "day returned int"),
        (lambda world: world.stage(""), "a stage needs a name"),
    ],
)
def test_what_a_day_may_not_do_is_refused_with_its_line(day: Day, words: str) -> None:
    with pytest.raises((eg.SystemFailed, TypeError), match=words):
        played(day)


def test_games_may_be_played_at_the_same_time() -> None:
    def day(world: eg.World) -> Iterator[Any]:
        one, other = (
            world.play(name, pool(cost=cost), eg.Exact()) for name, cost in (("x", 10), ("y", 30))
        )
        yield one & other

    run = played(day)
    prices = [run.stage(name).equilibrium.prices["energy"][0] for name in "xy"]  # type: ignore[union-attr]
    assert prices == pytest.approx([10, 30])


def test_a_case_may_ask_for_another_as_it_ran() -> None:
    def day(world: eg.World) -> None:
        if world.case.name == "late":
            other = world.earlier("early")
            world.check("live", "difference", abs(other.stage("live").ledger[0].amount - 3.0), 0.0)
        world.pay("live", "x", "a", "b", 3.0)

    said = {**SAID, "cases": [{"name": "late"}, {"name": "early"}]}
    eg.testing.assert_certified(played(day, said, case="late"))


def test_cases_that_wait_for_each_other_are_refused() -> None:
    def day(world: eg.World) -> None:
        world.earlier("two" if world.case.name == "one" else "one")

    said = {**SAID, "cases": [{"name": "one"}, {"name": "two"}]}
    with pytest.raises(eg.SystemFailed, match="case 'one' and case 'two' wait for each other"):
        played(day, said, case="one")


def test_random_streams_are_the_same_in_every_case_and_process() -> None:
    drawn: dict[str, list[float]] = {}

    def day(world: eg.World) -> None:
        drawn[world.case.name] = world.stream("noise").random(3).tolist()

    said = {**SAID, "cases": [{"name": "one"}, {"name": "two"}]}
    for case in ("one", "two"):
        played(day, said, case=case)
    assert drawn["one"] == drawn["two"]
    assert drawn["one"] == pytest.approx([0.78, 0.42, 0.04], abs=1)  # numbers, not NaN


def test_a_study_without_a_network_has_none_to_operate() -> None:
    with pytest.raises(eg.EquigridError, match="the study 'verbs' has no network"):
        played(lambda world: world.operate("live", np.zeros((33, 1)), np.zeros((33, 1))))
