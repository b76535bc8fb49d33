"""Paper A's day with its AC rounds: ``python benchmarks/paper_a.py --scenarios 10``.

Prosumers at three far ends of a feeder sell ramping products through an aggregator. Told are both
cases, with limits before delivery only (insecure) and after delivery as well (secure): rounds of
tangents until AC agrees, seconds, costs, products, what AC says of full delivery, and the share of
random deliveries that violate a limit. Sites, sizes and prices are plausible, not published.
"""

import argparse
import time
from collections.abc import Mapping

import numpy as np

import equigrid as eg
from equigrid.agents.assets import VirtualBattery
from equigrid.agents.network_operator import STATES, NetworkOperator
from equigrid.agents.prosumer_aggregator import ProsumerAggregator
from equigrid.arrays import FloatArray, IntArray
from equigrid.grid.ac import AcViolations, ac_check
from equigrid.scenarios.seeds import stream

# Feeder: buses of the prosumers, of PV, and the share of its load at the peak.
SITES = {
    "baran-wu-33": ((12, 17, 32), (10, 16, 24, 30), 1.0),
    "baran-wu-69": ((27, 50, 65), (20, 40, 46, 60), 1.0),
    "zhang-118": ((54, 77, 113), (40, 62, 85, 100), 0.75),
}
PROFILE = (0.62, 0.58, 0.56, 0.55, 0.57, 0.62, 0.7, 0.78, 0.8, 0.8, 0.8, 0.79, 0.78, 0.77, 0.78,
           0.82, 0.9, 0.98, 1, 0.98, 0.92, 0.84, 0.74, 0.66)  # fmt: skip
ENERGY = (38.4, 35.3, 33.6, 32.2, 34.1, 37.7, 42.9, 51.3, 48.2, 44.8, 40.3, 37.1, 35.7, 37.2, 41.9,
          48.5, 60.6, 75.2, 82.9, 78.3, 66.8, 54.5, 46.7, 41.1)  # fmt: skip
UP = (3, 3, 3, 3, 3.5, 4, 5, 6, 5, 4.5, 4, 4, 4, 4.5, 5.5, 7, 9, 11, 10, 8, 6, 4.5, 3.5, 3)
DOWN = (2.5, 2.5, 2.5, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6, 6, 5.5, 5, 4, 3.5, 3.5, 3, 3, 3, 2.5, 2.5,
        2.5)  # fmt: skip
PRODUCTS = {"energy": "import", "up": "up", "down": "down"}
PHOTOVOLTAIC_MW, EXCHANGE_MW, TOLERANCE_PU, ROUNDS = 0.6, 30.0, 1e-3, 20


def parties(
    feeder: str, count: int, confidence: float, secured: tuple[str, ...]
) -> tuple[NetworkOperator, ProsumerAggregator, eg.AmbiguitySet]:
    """Return both parties of a case with scenarios from 1,000 drawn days."""
    days = eg.PhotovoltaicDays().draw(1000, seed=7)
    scenarios = eg.cluster_days({"irradiance": days}, count)
    near = eg.AmbiguitySet.from_confidence(scenarios.probability, len(days), confidence)
    sites, units, peak = SITES[feeder]
    network, names = eg.feeder(feeder), [f"p{k + 1}" for k in range(len(sites))]
    load = peak * np.array(PROFILE)
    prosumers = tuple(
        VirtualBattery(name, 0.0, most, 0.2, 4.6 * most, 2 * most, 2 * most, 0.95, 0.98)
        for name, most in zip(names, (0.5, 0.7, 0.5), strict=True)
    )
    irradiance = scenarios["irradiance"]
    operator = NetworkOperator(
        name="dno",
        network=network,
        voltage_min_pu=0.9,
        voltage_max_pu=1.05,
        load_mw=np.outer(network.buses["load_mw"], load),
        load_mvar=np.outer(network.buses["load_mvar"], load),
        photovoltaic_buses=units,
        photovoltaic_mw=np.repeat(PHOTOVOLTAIC_MW * irradiance[None], len(units), axis=0),
        prosumer_buses=dict(zip(names, sites, strict=True)),
        prosumer_limits_mw={p.name: (p.power_min_mw, p.power_max_mw) for p in prosumers},
        exchange_max_mw=EXCHANGE_MW,
        secured=secured,
    )
    aggregator = ProsumerAggregator("aggregator", prosumers, count, len(load), near.worst_case)
    return operator, aggregator, near


def game(operator: NetworkOperator, aggregator: ProsumerAggregator, follower: eg.Agent) -> eg.Game:
    """Return the game between the market, the operator and the aggregator, which leads."""
    prices = dict(zip(PRODUCTS, (ENERGY, UP, DOWN), strict=True))
    announced = {f"{name}_price_per_mwh": np.array(v, float) for name, v in prices.items()}
    links = [eg.Link(f"market.{name}", f"dno.{name}") for name in announced]
    payments = []
    for product, said in PRODUCTS.items():
        for prosumer in operator.prosumer_buses:
            quantity, heard = f"aggregator.{prosumer}_{said}_mw", f"dno.{prosumer}_{said}_mw"
            name = f"{product}-{prosumer}"
            payments.append(eg.Payment(name, "aggregator", "dno", eg.Dual(heard), quantity))
            links += [eg.Link(quantity, heard), eg.Link(name, f"aggregator.{product}_bill")]
    return eg.Game(
        [eg.Agent("market", says=announced), follower, aggregator.agent()],
        leader="aggregator",
        links=links,
        payments=payments,
        given={"dno.load_mw": operator.scenario_load_mw()},
    )


def settled(
    operator: NetworkOperator, aggregator: ProsumerAggregator, rounds: int
) -> tuple[eg.Equilibrium, list[float]]:
    """Solve in rounds of tangents until AC agrees; return the answer and each round's error."""
    at, errors = operator.at_rest(), []
    for _ in range(rounds):
        found = eg.Exact(gap=5e-4, ties=False).solve(game(operator, aggregator, operator.agent(at)))
        at, error = operator.renewed(at, _nets(found.values), TOLERANCE_PU)
        errors.append(error)
        if error <= TOLERANCE_PU:
            break
    return found, errors


def _nets(values: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    return {state: values[f"dno.net_load_{state}_mw"] for state in STATES}


def violations(
    operator: NetworkOperator, net: FloatArray, columns: IntArray | slice
) -> AcViolations:
    """Return what AC says of net loads (N, C)."""
    ac = ac_check(operator.network, net, operator.scenario_load_mvar()[:, columns])
    return ac.violations(operator.voltage_min_pu, operator.voltage_max_pu)


def random_deliveries(
    operator: NetworkOperator, values: Mapping[str, FloatArray], count: int
) -> float:
    """Return the share of random deliveries, any mix of any hour, that violate a limit in AC."""
    random, nets = stream(1, "deliveries"), _nets(values)
    columns = random.integers(nets["before"].shape[1], size=count)
    before = nets["before"][:, columns]
    # At a bus either product may be delivered, in any share: every bus draws for itself.
    shares = random.uniform(size=(2, len(before), count))
    upward = random.uniform(size=before.shape) < 0.5
    moved = np.where(
        upward,
        shares[0] * (nets["up"][:, columns] - before),
        shares[1] * (nets["down"][:, columns] - before),
    )
    off = violations(operator, before + moved, columns)
    bad = (off.voltage_pu.max(axis=0) > 1e-4) | (off.loading_percent.max(axis=0) > 0.1)
    return float(bad.mean())


def line(feeder: str, count: int, confidence: float, case: str, deliveries: int) -> str:
    """Return a row of the table."""
    secured = STATES if case == "secure" else ("before",)
    operator, aggregator, near = parties(feeder, count, confidence, secured)
    begin = time.perf_counter()
    found, errors = settled(operator, aggregator, ROUNDS)
    seconds = time.perf_counter() - begin
    bills = [
        sum(
            (found.values[f"dual(dno.{p}_{said}_mw)"] * found.values[f"aggregator.{p}_{said}_mw"])
            .sum(axis=1)
            for p in operator.prosumer_buses
        )
        for said in PRODUCTS.values()
    ]  # fmt: skip
    sold = [
        near.probability
        @ sum(found.values[f"aggregator.{p}_{s}_mw"].sum(axis=1) for p in operator.prosumer_buses)
        for s in ("up", "down")
    ]
    off = {s: violations(operator, net, slice(None)) for s, net in _nets(found.values).items()}
    cells = [
        feeder, count, case, f"{errors[-1]:.0e} in {len(errors)}", f"{seconds:.1f}",
        f"{near.probability @ bills[0]:.2f}", f"{-near.probability @ (bills[1] + bills[2]):.2f}",
        f"{near.probability @ sum(bills):.2f}", f"{near.worst_value(sum(bills)):.2f}",
        f"{sold[0]:.2f}", f"{sold[1]:.2f}",
        *(f"{o.worst_voltage_pu:.5f}" for o in off.values()),
        f"{max(o.worst_loading_percent for o in off.values()):.2f}",
        f"{100 * random_deliveries(operator, found.values, deliveries):.1f}" if deliveries else "",
        f"{max(found.certificate.regret.values()):.0e}",
        f"{abs(found.certificate.optimality_gap or 0.0):.0e}",
    ]  # fmt: skip
    return "| " + " | ".join(map(str, cells)) + " |"


HEAD = (
    "feeder", "scenarios", "case", "AC error in rounds", "seconds", "energy cost", "ramping income",
    "expected", "worst case", "up MWh", "down MWh", "V before", "V up", "V down", "loading",
    "deliveries that violate, %", "regret", "gap",
)  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeder", choices=list(SITES), default="baran-wu-33")
    parser.add_argument("--scenarios", default="10", help="numbers, with commas between")
    parser.add_argument("--confidence", default="0.9", help="numbers, with commas between")
    parser.add_argument("--cases", default="insecure,secure")
    parser.add_argument("--deliveries", type=int, default=1000, help="random deliveries in AC")
    asked = parser.parse_args()
    print("| " + " | ".join(HEAD) + " |\n" + "|---" * len(HEAD) + "|", flush=True)
    for count in map(int, asked.scenarios.split(",")):
        for confidence in map(float, asked.confidence.split(",")):
            for case in asked.cases.split(","):
                print(line(asked.feeder, count, confidence, case, asked.deliveries), flush=True)


if __name__ == "__main__":
    main()
