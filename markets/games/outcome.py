"""The outcome of an engine, before anybody has certified it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from equigrid.arrays import FloatArray
from equigrid.markets.forms.points import FleetPoint, Point


@dataclass(frozen=True, eq=False)
class Outcome:
    """An answer with all that its engine claims of it; methods have it certified.

    Attributes
    ----------
    values : Mapping of str to array
        Everything said, by ``"agent.quantity"``, with duals and prices of balances by their names.
    claimed : float or None
        The leader's objective as the solver has it, in its own sense.
    bound : float or None
        Proven, on the leader's objective or on the total cost.
    bounds : Mapping of str to float
        The same of each of several leaders.
    points : Mapping of str to Point, or None
        Followers' answers with their multipliers.
    fleets : Mapping of str to FleetPoint
        What members of fleets do, with multipliers.
    settled : bool
        Whether the engine came to its own end, not to a limit.
    statistics : Mapping of str to float
    rounds : tuple of Mapping
        One record a round.
    silent : Mapping of str to int
        Parties without which the others went on, with the round in which each was heard last.
    """

    values: Mapping[str, FloatArray]
    claimed: float | None = None
    bound: float | None = None
    bounds: Mapping[str, float] = field(default_factory=dict)
    points: Mapping[str, Point] | None = None
    fleets: Mapping[str, FleetPoint] = field(default_factory=dict)
    settled: bool = True
    statistics: Mapping[str, float] = field(default_factory=dict)
    rounds: tuple[Mapping[str, Any], ...] = ()
    silent: Mapping[str, int] = field(default_factory=dict)
