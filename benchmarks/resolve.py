"""Solving one agent again with changed prices: ``python benchmarks/resolve.py``.

A microgrid of the shipped study, 24 hours, and one with a quadratic cost of its generator.
"""

import time
from collections.abc import Callable

import cvxpy as cp
import numpy as np
import paper_e

import equigrid as eg
from equigrid.arrays import FloatArray
from equigrid.scenarios.seeds import stream

Build = Callable[[], eg.Agent]


def linear() -> eg.Agent:
    """Return the first microgrid of the shipped study."""
    return paper_e.parties(paper_e.shipped()).microgrids[0].agent()


def quadratic() -> eg.Agent:
    """Return the same microgrid, whose generator costs more the more it gives."""
    agent = linear()
    assert agent.problem is not None
    curved = agent.problem.objective.args[0] + cp.sum_squares(agent.says["generator_mw"])
    problem = cp.Problem(cp.Minimize(curved), agent.problem.constraints)
    return eg.Agent(agent.name, problem, agent.hears, agent.says)


def timed(
    answer: Callable[[FloatArray], FloatArray], prices: list[FloatArray]
) -> tuple[float, list[float]]:
    """Milliseconds an answer, and the cost of each at its prices."""
    answer(prices[0])
    begin = time.perf_counter()
    imports = [answer(price) for price in prices]
    milliseconds = 1e3 * (time.perf_counter() - begin) / len(prices)
    return milliseconds, [float(p @ i) for p, i in zip(prices, imports, strict=True)]


def persistent(build: Build) -> Callable[[FloatArray], FloatArray]:
    """By the public interface."""
    solver = eg.AgentSolver(build())
    return lambda price: solver.answer(price=price)["import_mw"]


def with_parameters(build: Build) -> Callable[[FloatArray], FloatArray]:
    """By cvxpy, compiled once."""
    return _cvxpy(build())


def rebuilt(build: Build) -> Callable[[FloatArray], FloatArray]:
    """By cvxpy, declared again each time."""

    def answer(price: FloatArray) -> FloatArray:
        return _cvxpy(build())(price)

    return answer


def _cvxpy(agent: eg.Agent) -> Callable[[FloatArray], FloatArray]:
    def answer(price: FloatArray) -> FloatArray:
        assert agent.problem is not None
        agent.hears["price"].value = price
        agent.problem.solve(solver=cp.HIGHS if agent.problem.is_lp() else cp.CLARABEL)
        return np.asarray(agent.says["import_mw"].value)

    return answer


def main() -> None:
    """Print a table."""
    draw = stream(1, "benchmarks/resolve")
    prices = [draw.uniform(20.0, 70.0, 24) for _ in range(200)]
    ways = {
        "equigrid, persistent": (persistent, prices),
        "cvxpy with parameters": (with_parameters, prices[:50]),
        "cvxpy rebuilt": (rebuilt, prices[:10]),
    }
    print("| agent | way | ms an answer |\n|---|---|---|")
    for name, build in (("linear", linear), ("quadratic", quadratic)):
        for way, (make, some) in ways.items():
            milliseconds, _ = timed(make(build), some)
            print(f"| {name} | {way} | {milliseconds:.2f} |", flush=True)


if __name__ == "__main__":
    main()
