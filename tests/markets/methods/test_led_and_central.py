"""The same agents led by one who minimises total cost, and in balances: one answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import cvxpy as cp
import numpy as np
import pytest

import equigrid as eg
from equigrid.agents.assets import InterruptibleLoad
from equigrid.arrays import FloatArray
from equigrid.experiments.disco_microgrids.parties import DiscoMicrogrids
from equigrid.experiments.running.loading import load_study
from equigrid.scenarios.seeds import stream

HOURS = 4
WHOLESALE = np.array([28.0, 35.0, 50.0, 41.0])


def _microgrid(name: str, draw: np.random.Generator) -> eg.Agent:
    """Cover a load from outside, by a generator and from storage, at the price that it hears."""
    price, bought = cp.Parameter(HOURS), cp.Variable(HOURS, bounds=[-4, 8])
    output = cp.Variable(HOURS, bounds=[0, 3])
    charge, discharge = (cp.Variable(HOURS, bounds=[0, 1]) for _ in range(2))
    energy = 1 + cp.cumsum(0.9 * charge - discharge / 0.9)
    rows = [
        bought + output + discharge - charge == draw.uniform(2, 6, HOURS),
        cp.abs(cp.diff(output)) <= 1.5,
        energy >= 0,
        energy <= 2,
        energy[HOURS - 1] >= 1,
    ]
    own = draw.uniform(20, 60, HOURS) @ output + 0.3 * cp.sum(charge + discharge)
    problem = cp.Problem(cp.Minimize(price @ bought + own), rows)
    says = {"import_mw": bought, "own_cost": own}
    return eg.Agent(name, problem, hears={"price": price}, says=says)


def _microgrids(seed: int) -> list[eg.Agent]:
    draw = stream(seed, "tests/led-and-central")
    return [_microgrid(f"mg{k}", draw) for k in range(1, 4)]


def _seller(rise: float) -> eg.Agent:
    """Sell from outside at the price that it hears, at a cost that grows by its square."""
    price, purchase = cp.Parameter(HOURS), cp.Variable(HOURS, bounds=[-12, 30])
    own = WHOLESALE @ purchase
    own = own + rise * cp.sum_squares(purchase) if rise else own
    problem = cp.Problem(cp.Minimize(own - price @ purchase))
    return eg.Agent("seller", problem, {"price": price}, {"purchase_mw": purchase, "own_cost": own})


def _planned(planner: eg.Agent, others: Sequence[eg.Agent], sites: Sequence[eg.Agent]) -> eg.Game:
    """Let sites and others hear the planner's price, and pay a fund that decides nothing."""
    takers = [*sites, *others]
    return eg.Game(
        [planner, *takers, eg.Agent("fund")],
        leader="planner",
        links=[
            *(eg.Link("planner.price", f"{agent.name}.price") for agent in takers),
            *(
                eg.Link(f"{agent.name}.{said}", f"planner.{agent.name}_{said}")
                for agent in takers
                for said in agent.says
                if f"{agent.name}_{said}" in planner.hears
            ),
        ],
        payments=[
            eg.Payment(f"bill of {a.name}", a.name, "fund", "planner.price", f"{a.name}.import_mw")
            for a in sites
        ],
    )


def _heard(agents: Sequence[eg.Agent], *names: str) -> dict[str, cp.Parameter]:
    return {f"{a.name}_{n}": cp.Parameter(a.shape_of(n)) for a in agents for n in names}


def _led(sites: Sequence[eg.Agent], rise: float, *, at_wholesale: bool = False) -> eg.Game:
    """Let a planner that buys outside name the price, and minimise the cost of all."""
    price, purchase = cp.Variable(HOURS, bounds=[-200, 200]), cp.Variable(HOURS, bounds=[-12, 30])
    imports, costs = _heard(sites, "import_mw"), _heard(sites, "own_cost")
    cost = WHOLESALE @ purchase + sum(costs.values())
    cost = cost + rise * cp.sum_squares(purchase) if rise else cost
    rows = [purchase == sum(imports.values())]
    rows += [price == WHOLESALE] if at_wholesale else []
    problem = cp.Problem(cp.Minimize(cost), rows)
    said = {"price": price, "purchase_mw": purchase}
    return _planned(eg.Agent("planner", problem, {**imports, **costs}, said), [], sites)


def _led_all(sites: Sequence[eg.Agent], seller: eg.Agent) -> eg.Game:
    """Let a planner without means of its own name a price that the seller takes as well."""
    price = cp.Variable(HOURS, bounds=[-200, 200])
    imports, costs = _heard(sites, "import_mw"), _heard([*sites, seller], "own_cost")
    sold = _heard([seller], "purchase_mw")
    problem = cp.Problem(
        cp.Minimize(sum(costs.values())), [sum(sold.values()) == sum(imports.values())]
    )
    planner = eg.Agent("planner", problem, {**imports, **costs, **sold}, {"price": price})
    return _planned(planner, [seller], sites)


def _exchange(sites: Sequence[eg.Agent], seller: eg.Agent, *, hearing: bool = True) -> eg.Game:
    """Let a balance price what the same agents import and sell."""
    takers = [seller, *sites]
    terms = ["seller.purchase_mw", *(f"-{agent.name}.import_mw" for agent in sites)]
    links = [eg.Link("energy", f"{agent.name}.price") for agent in takers]
    given = {f"{agent.name}.price": np.zeros(HOURS) for agent in takers}
    return eg.Game(
        takers,
        balances=[eg.Balance("energy", terms)],
        links=links if hearing else [],
        given={} if hearing else given,
    )


def _assert_proven(found: eg.Equilibrium, cost: float) -> None:
    """The answer costs that much, is proven by what agents alone would do, and is settled."""
    certificate = found.certificate
    assert found.settled
    assert certificate.optimality_gap is not None
    assert abs(certificate.optimality_gap) <= 1e-4
    assert max(certificate.regret.values()) <= 1e-3
    total = certificate.total_cost if found.game.balances else found.leader_objective
    assert total == pytest.approx(cost, rel=1e-4)


def _prices_are_optimal(central: eg.Equilibrium, price: FloatArray) -> None:
    """At the central quantities, another method's prices leave nobody anything to gain."""
    certificate, _ = eg.certify(central.game, {**central.values, "energy": price})
    assert certificate.optimality_gap is not None
    assert certificate.optimality_gap <= 2e-4


@pytest.mark.slow
@pytest.mark.parametrize("rise", [0.0, 0.4])
@pytest.mark.parametrize("seed", range(2))
def test_led_central_and_by_talking_is_one_answer(seed: int, rise: float) -> None:
    sites, seller = _microgrids(seed), _seller(rise)
    central = eg.Exact().solve(_exchange(sites, seller))
    talked = eg.Admm().solve(_exchange(sites, seller))
    led = eg.Exact().solve(_led(sites, rise))
    cost = central.certificate.total_cost
    assert cost is not None
    for found in (central, talked, led):
        _assert_proven(found, cost)
    assert np.abs(led.values["planner.price"]).max() < 199, "no price is at its bound"
    _prices_are_optimal(central, talked.prices["energy"])
    if rise:
        # A square makes the total unique, and with it the price, as its marginal cost.
        bought = central.values["seller.purchase_mw"]
        assert talked.values["seller.purchase_mw"] == pytest.approx(bought, abs=2e-2)
        assert led.values["planner.purchase_mw"] == pytest.approx(bought, abs=2e-2)
        assert central.prices["energy"] == pytest.approx(WHOLESALE + 2 * rise * bought, abs=1e-3)
        assert talked.prices["energy"] == pytest.approx(central.prices["energy"], abs=2e-2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_price_that_the_seller_takes_as_well_is_that_of_the_balance(seed: int) -> None:
    sites, seller = _microgrids(seed), _seller(0.0)
    central = eg.Exact().solve(_exchange(sites, seller))
    led = eg.Exact().solve(_led_all(sites, seller))
    assert central.certificate.total_cost is not None
    _assert_proven(led, central.certificate.total_cost)
    _prices_are_optimal(central, led.values["planner.price"])


@pytest.mark.parametrize("rise", [0.0, pytest.param(0.4, marks=pytest.mark.slow)])
def test_the_price_of_the_balance_leads_as_well_as_the_best_leader(rise: float) -> None:
    """The other way round: what the balance found is an answer of the led game."""
    sites, seller = _microgrids(1), _seller(rise)
    central, game = eg.Exact().solve(_exchange(sites, seller)), _led(sites, rise)
    sold = {path: said for path, said in central.values.items() if path.startswith("mg")}
    values = {
        **sold,
        "planner.price": central.prices["energy"],
        "planner.purchase_mw": central.values["seller.purchase_mw"],
    }
    certificate, objective = eg.certify(game, values)
    assert max(certificate.regret.values()) <= 1e-6
    assert certificate.primal_residual is not None
    assert certificate.primal_residual <= 1e-6
    assert objective == pytest.approx(central.certificate.total_cost, rel=1e-6)


@pytest.mark.slow
def test_who_hears_the_price_and_who_is_charged_unheard_answers_alike() -> None:
    sites, seller = _microgrids(1), _seller(0.4)
    hearing = eg.Exact().solve(_exchange(sites, seller))
    unheard = _exchange(sites, seller, hearing=False)
    for found in (eg.Exact().solve(unheard), eg.Admm().solve(unheard)):
        total = found.certificate.total_cost
        assert total == pytest.approx(hearing.certificate.total_cost, rel=1e-4)
        assert found.prices["energy"] == pytest.approx(hearing.prices["energy"], abs=2e-2)


@pytest.mark.slow
def test_the_balance_clears_its_books_and_a_fund_is_owed_each_bill() -> None:
    sites, seller = _microgrids(2), _seller(0.4)
    led, central = eg.Exact().solve(_led(sites, 0.4)), eg.Exact().solve(_exchange(sites, seller))
    for site in sites:
        bill = np.sum(led.values["planner.price"] * led.values[f"{site.name}.import_mw"])
        assert led.payments[f"bill of {site.name}"] == pytest.approx(bill)
    table = central.settlement
    received = table[table.payee == "energy"].amount.sum()
    assert received == pytest.approx(table[table.payer == "energy"].amount.sum(), abs=1e-3)


@pytest.mark.slow
def test_the_negotiation_ends_there_where_the_leader_announces_its_marginal_cost() -> None:
    sites = _microgrids(0)
    central = eg.Exact().solve(_exchange(sites, _seller(0.0)))
    talked = eg.BestResponse().solve(_led(sites, 0.0, at_wholesale=True))
    assert talked.leader_objective == pytest.approx(central.certificate.total_cost, rel=1e-4)
    _prices_are_optimal(central, talked.values["planner.price"])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_negotiation_never_beats_the_central_optimum(seed: int) -> None:
    sites = _microgrids(seed)
    central = eg.Exact().solve(_exchange(sites, _seller(0.0))).certificate.total_cost
    talked = eg.BestResponse(rounds=30).solve(_led(sites, 0.0)).leader_objective
    assert central is not None
    assert talked is not None
    assert talked >= central * (1 - 1e-4)


def test_methods_refuse_what_is_not_their_kind_and_say_whose_it_is() -> None:
    sites = _microgrids(0)
    led, exchange = _led(sites, 0.0), _exchange(sites, _seller(0.0))
    with pytest.raises(eg.WrongMethod, match=r"Admm does not answer.*Exact, or BestResponse"):
        eg.Admm().solve(led)
    with pytest.raises(eg.WrongMethod, match=r"BestResponse does not answer.*Admm, or Exact"):
        eg.BestResponse().solve(exchange)


@pytest.mark.parametrize("method", [eg.Exact(), eg.BestResponse(), eg.Admm()])
def test_every_method_refuses_a_mixture(
    method: eg.Exact | eg.BestResponse | eg.Admm,
) -> None:
    sites = _microgrids(0)
    led, exchange = _led(sites, 0.0), _exchange(sites, _seller(0.0), hearing=False)
    both = eg.Game(
        [*led.agents, exchange.agent("seller")],
        "planner",
        led.links,
        led.payments,
        exchange.balances,
        {"seller.price": np.zeros(HOURS)},
    )
    with pytest.raises(eg.WrongMethod, match=r"no method answers.*a leader and balances"):
        method.solve(both)
    heard = cp.Parameter(HOURS)
    echo = cp.Variable(HOURS, bounds=[0, 9])
    ear = eg.Agent(
        "ear", cp.Problem(cp.Minimize(cp.sum(echo)), [echo >= heard / 99]), {"heard": heard}
    )
    linked = eg.Game(
        [*exchange.agents, ear],
        links=[eg.Link("mg1.import_mw", "ear.heard")],
        balances=exchange.balances,
        given=dict(exchange.given),
    )
    with pytest.raises(eg.WrongMethod, match=r"no method answers.*share balances and also hear"):
        method.solve(linked)


def _paper_e(case: DiscoMicrogrids, sites: int, hours: slice) -> tuple[eg.Agent, list[eg.Agent]]:
    """Return the Disco and some microgrids of the shipped study, for some hours of its day."""
    names = [site.name for site in case.microgrids[:sites]]
    scenarios = eg.ScenarioSet(
        {name: array[:, hours] for name, array in case.scenarios.values.items()},
        case.scenarios.probability,
    )
    disco = replace(
        case.disco,
        load_mw=case.disco.load_mw[:, hours],
        load_mvar=case.disco.load_mvar[:, hours],
        generation_mw=np.broadcast_to(case.disco.generation_mw, case.disco.load_mw.shape)[:, hours],
        generation_mvar=np.broadcast_to(case.disco.generation_mvar, case.disco.load_mw.shape)[
            :, hours
        ],
        scenarios=scenarios,
        microgrid_buses={name: case.disco.microgrid_buses[name] for name in names},
    )
    followers = [
        replace(
            site,
            demand_mw=site.demand_mw[hours],
            photovoltaic_mw=site.photovoltaic_mw[hours],
            interruptible=InterruptibleLoad(
                site.interruptible.power_max_mw[hours],
                np.asarray(site.interruptible.cost_per_mwh)[hours],
            ),
        ).agent()
        for site in case.microgrids[:sites]
    ]
    return disco.agent(), followers


def _published(case: DiscoMicrogrids, hours: slice) -> dict[str, FloatArray]:
    """Return what the ISO and the DERs manager announce for these hours."""
    return {
        "wholesale_price_per_mwh": case.wholesale_price_per_mwh[hours],
        "ramp_penalty_per_mw": case.ramp_penalty_per_mw[hours][: hours.stop - hours.start - 1],
        "generator_bid_per_mwh": np.array([unit.bid_per_mwh for unit in case.manager.generators]),
        "interruption_bid_per_mwh": case.interruption_price_per_mwh[hours],
    }


def _instead(
    disco: eg.Agent, put: Mapping[str, cp.Expression], says: Mapping[str, cp.Expression]
) -> eg.Agent:
    """Return the Disco with other things for what it hears: the same rows and the same profit."""
    assert disco.problem is not None
    swap = {id(disco.hears[name]): cp.Expression.cast_to_const(e) for name, e in put.items()}
    problem = cp.Problem(
        cp.Maximize(disco.problem.objective.expr.tree_copy(swap)),
        [row.tree_copy(swap) for row in disco.problem.constraints],
    )
    left = {name: heard for name, heard in disco.hears.items() if name not in put}
    new = {p.name(): p for p in problem.parameters() if p.name() not in left}
    return eg.Agent("disco", problem, {**left, **new}, says)


def _disco_leads(
    disco: eg.Agent, sites: Sequence[eg.Agent], published: Mapping[str, FloatArray]
) -> eg.Game:
    """Let the Disco bear what microgrids bear, in place of what they pay it."""
    costs = [cp.Parameter(name=f"{site.name}_cost") for site in sites]
    size = sites[0].shape_of("import_mw")
    prices = {f"{site.name}_price": cp.Variable(size, bounds=[-300, 300]) for site in sites}
    leader = _instead(disco, {**published, "income": -sum(costs)}, prices)
    links = []
    for site in sites:
        links += [
            eg.Link(f"disco.{site.name}_price", f"{site.name}.price"),
            eg.Link(f"{site.name}.own_cost", f"disco.{site.name}_cost"),
            eg.Link(f"{site.name}.import_mw", f"disco.{site.name}_import_mw"),
            eg.Link(f"{site.name}.ramp_mw_per_h", f"disco.{site.name}_ramp_mw_per_h"),
        ]
    bills = [
        eg.Payment(f"bill of {name}", name, "fund", f"disco.{name}_price", f"{name}.import_mw")
        for name in (site.name for site in sites)
    ]
    return eg.Game([leader, *sites, eg.Agent("fund")], "disco", links, bills)


def _disco_balances(
    disco: eg.Agent, sites: Sequence[eg.Agent], published: Mapping[str, FloatArray]
) -> eg.Game:
    """Let a balance for each microgrid tell its import from what the Disco delivers there."""
    sold = {site.name: cp.Variable(site.shape_of("import_mw"), bounds=[-1, 1]) for site in sites}
    put: dict[str, Any] = {**published, "income": 0.0}
    for name, delivered in sold.items():
        put[f"{name}_import_mw"], put[f"{name}_ramp_mw_per_h"] = delivered, cp.diff(delivered)
    supplier = _instead(disco, put, {f"{name}_mw": delivered for name, delivered in sold.items()})
    return eg.Game(
        [supplier, *sites],
        balances=[eg.Balance(f"at {n}", [f"disco.{n}_mw", f"-{n}.import_mw"]) for n in sold],
        links=[eg.Link(f"at {name}", f"{name}.price") for name in sold],
    )


def _led_and_central(exchange: eg.Game, led_game: eg.Game) -> tuple[eg.Equilibrium, float]:
    """Solve both exactly, compare, and return the central answer with its cost."""
    central, led = eg.Exact().solve(exchange), eg.Exact().solve(led_game)
    cost = central.certificate.total_cost
    assert cost is not None
    assert led.leader_objective == pytest.approx(-cost, rel=1e-4)
    assert max(led.certificate.regret.values()) <= 1e-6
    for found in (central, led):
        assert found.settled
        assert found.certificate.optimality_gap is not None
        assert abs(found.certificate.optimality_gap) <= 1e-4
    for path, value in led.values.items():
        if path.startswith("disco."):
            assert np.abs(value).max() < 299, "no bound on a price binds"
    return central, cost


def _paper_e_games(sites: int, hours: slice) -> tuple[eg.Game, eg.Game]:
    case = DiscoMicrogrids(load_study("disco-microgrids").in_case("with-flexibility"))
    disco, followers = _paper_e(case, sites, hours)
    published = _published(case, hours)
    return _disco_balances(disco, followers, published), _disco_leads(disco, followers, published)


@pytest.mark.slow
def test_paper_e_s_agents_led_for_least_cost_and_in_balances_is_one_answer() -> None:
    exchange, led = _paper_e_games(2, slice(16, 20))
    central, cost = _led_and_central(exchange, led)
    talked = eg.Admm().solve(exchange)
    certificate = talked.certificate
    assert talked.settled
    assert certificate.total_cost == pytest.approx(cost, rel=1e-4)
    assert certificate.balance_residual is not None
    assert certificate.balance_residual <= 1e-6
    again, _ = eg.certify(exchange, {**central.values, **talked.prices})
    assert again.optimality_gap is not None
    assert again.optimality_gap <= 1e-4, "what talking found are optimal duals"
