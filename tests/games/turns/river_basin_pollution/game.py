"""Three firms at a river sell one good and pay for what they emit at two stations.

Firm j earns (d1 - d2 (x1 + x2 + x3)) x_j - (c1_j + c2_j x_j) x_j. Together they may pollute up to
100 at each station; at the charges that are the multipliers of these limits each firm alone comes
to the equilibrium that is normalised in the sense of Rosen.
"""

import cvxpy as cp

import equigrid as eg

PRICE, SLOPE = 3.0, 0.01
LINEAR, SQUARE = (0.10, 0.12, 0.15), (0.01, 0.05, 0.01)
EMISSIONS = (0.50, 0.25, 0.75)
FIRST_STATION, SECOND_STATION = (6.5, 5.0, 5.5), (4.583, 6.250, 3.750)
CHARGE = 0.57436  # at the first station; the second has room


def _firm(number: int) -> eg.Agent:
    output, others = cp.Variable(bounds=[0, 100]), cp.Parameter()
    charge = cp.Parameter(nonneg=True)
    load = FIRST_STATION[number] * EMISSIONS[number]
    income = (PRICE - LINEAR[number]) * output - SLOPE * others * output
    income = income - (SLOPE + SQUARE[number]) * cp.square(output)
    return eg.Agent(
        f"firm{number + 1}",
        cp.Problem(cp.Maximize(income - load * charge * output)),
        hears={"others": others, "charge": charge},
        says={"output": output},
    )


def game() -> eg.Game:
    """Return the game at the published charge."""
    names = [f"firm{number}" for number in (1, 2, 3)]
    links = [
        eg.Link(f"{other}.output", f"{name}.others")
        for name in names
        for other in names
        if other != name
    ]
    return eg.Game(
        [_firm(number) for number in range(3)],
        links=links,
        given={f"{name}.charge": CHARGE for name in names},
    )
