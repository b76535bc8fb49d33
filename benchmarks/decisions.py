"""Deciding again and again: ``python benchmarks/decisions.py``.

A storage that looks ahead decides 96 quarter-hours: what a decision costs beside solving the same
problem again warm, beside compiling it each time, and what its checks cost.
"""

import time
from collections.abc import Callable
from typing import Any

import cvxpy as cp
import numpy as np

import equigrid as eg
from equigrid.markets.methods.lone_agent import LoneAgent

STEPS, AHEAD = 96, 32
TOLERANCE = {"gap": 1e-4, "settlement": 1e-6}


def storage() -> eg.Agent:
    """Return a storage of 2 MWh that hears prices and what is stored."""
    price, stored = cp.Parameter(AHEAD), cp.Parameter()
    power, level = cp.Variable(AHEAD, bounds=[-1, 1]), cp.Variable(AHEAD, bounds=[0, 2])
    before = cp.hstack([stored, level[:-1]])
    rows = [(level == before + 0.25 * power).set_label("storage"), level[-1] >= 1]
    hears = {"price": price, "stored": stored}
    says = {"power_mw": power, "level_mwh": level}
    return eg.Agent("storage", cp.Problem(cp.Minimize(0.25 * price @ power), rows), hears, says)


def heard() -> list[dict[str, Any]]:
    """Return what is heard in each quarter-hour."""
    prices = np.random.default_rng(1).normal(50, 20, (STEPS, AHEAD))
    return [{"price": price, "stored": 1.0} for price in prices]


def seconds(action: Callable[[], object]) -> float:
    """Return the processor time of an action."""
    began = time.process_time()
    action()
    return time.process_time() - began


def main() -> None:
    """Print milliseconds for each quarter-hour, side by side."""
    solver, alone, told = eg.AgentSolver(storage()), LoneAgent(storage()), heard()
    solver.answer(**told[0])
    decisions = [alone.decide(told[0])]
    rows = {
        "solved again, warm": lambda: [solver.answer(**each) for each in told],
        "decided": lambda: decisions.extend(alone.decide(each) for each in told),
        "checked": lambda: [decision.checks(TOLERANCE) for decision in decisions[1 : STEPS + 1]],
        "compiled and solved": lambda: [
            eg.AgentSolver(storage()).answer(**each) for each in told[:12]
        ],
    }
    base = 0.0
    for name, action in rows.items():
        count = 12 if "compiled" in name else STEPS
        each = 1e3 * seconds(action) / count
        base = base or each
        print(f"{name:>22}: {each:7.2f} ms a decision, {each / base:5.1f} x")


if __name__ == "__main__":
    main()
