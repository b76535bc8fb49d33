"""Three areas of the 14-bus network that agree on the angles at both ends of their tie lines.

An area knows its own buses, generators and lines, and the tie lines that leave it. Of each bus at
the far end of a tie it keeps an angle of its own, and says it, with the angles of its own ends.
"""

import cvxpy as cp
import numpy as np

import equigrid as eg

BASE_MVA, DEGREE = 100.0, np.pi / 180
LOAD_MW = {
    2: 21.7, 3: 94.2, 4: 47.8, 5: 7.6, 6: 11.2, 9: 29.5, 10: 9.0, 11: 3.5, 12: 6.1, 13: 13.5,
    14: 14.9,
}  # fmt: skip
# Bus: greatest power in MW, cost per MW² h and per MWh.
GENERATORS = {
    1: (332.4, 0.0430292599, 20.0),
    2: (140.0, 0.25, 20.0),
    3: (100.0, 0.01, 40.0),
    6: (100.0, 0.01, 40.0),
    8: (100.0, 0.01, 40.0),
}
REACTANCE_PU = {
    (1, 2): 0.05917, (1, 5): 0.22304, (2, 3): 0.19797, (2, 4): 0.17632, (2, 5): 0.17388,
    (3, 4): 0.17103, (4, 5): 0.04211, (4, 7): 0.20912, (4, 9): 0.55618, (5, 6): 0.25202,
    (6, 11): 0.1989, (6, 12): 0.25581, (6, 13): 0.13027, (7, 8): 0.17615, (7, 9): 0.11001,
    (9, 10): 0.0845, (9, 14): 0.27038, (10, 11): 0.19207, (12, 13): 0.19988, (13, 14): 0.34802,
}  # fmt: skip
AREAS = {"south": [1, 2, 3, 4, 5], "west": [6, 11, 12, 13], "east": [7, 8, 9, 10, 14]}
AREA_OF = {bus: name for name, buses in AREAS.items() for bus in buses}


def per_degree(line: tuple[int, int]) -> float:
    """Return the power in MW for a degree between the ends of a line."""
    return BASE_MVA * DEGREE / REACTANCE_PU[line]


def shared(one: str, other: str) -> list[int]:
    """Return the buses at the ends of the tie lines between two areas."""
    ties = [line for line in REACTANCE_PU if {AREA_OF[bus] for bus in line} == {one, other}]
    return sorted({bus for line in ties for bus in line})


def area(name: str) -> eg.Agent:
    """Dispatch an area's generators at least cost, seeing only what touches it."""
    own = AREAS[name]
    lines = [line for line in REACTANCE_PU if AREA_OF[line[0]] == name or AREA_OF[line[1]] == name]
    angle = {bus: cp.Variable(bounds=[-180, 180]) for bus in sorted({*own, *sum(lines, ())})}
    power = {bus: cp.Variable(bounds=[0, GENERATORS[bus][0]]) for bus in own if bus in GENERATORS}
    flow = {line: per_degree(line) * (angle[line[0]] - angle[line[1]]) for line in lines}
    rows = [angle[1] == 0] if 1 in own else []
    for bus in own:
        leaves = sum(flow[line] for line in lines if line[0] == bus)
        comes = sum(flow[line] for line in lines if line[1] == bus)
        rows.append(power.get(bus, 0.0) + comes - leaves == LOAD_MW.get(bus, 0.0))
    cost = sum(GENERATORS[b][1] * cp.square(p) + GENERATORS[b][2] * p for b, p in power.items())
    says = {f"at_{bus}_mw": p for bus, p in power.items()}
    for other in AREAS:
        if other != name and shared(name, other):
            says[f"with_{other}_deg"] = cp.hstack([angle[bus] for bus in shared(name, other)])
    return eg.Agent(name, cp.Problem(cp.Minimize(cost), rows), says=says)


def game() -> eg.Game:
    """Return the game."""
    pairs = [("south", "west"), ("south", "east"), ("west", "east")]
    return eg.Game(
        [area(name) for name in AREAS],
        balances=[
            eg.Balance(f"{one}-{other}", [f"{one}.with_{other}_deg", f"-{other}.with_{one}_deg"])
            for one, other in pairs
        ],
    )
