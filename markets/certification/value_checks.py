"""Checks of the values of an answer before anything is proven: whole, in shape, finite."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.errors import did_you_mean
from equigrid.markets.certification.dual_residual import wanted_duals
from equigrid.markets.certification.quantity_scales import greatest
from equigrid.markets.forms.points import FleetPoint, Point
from equigrid.markets.games.fleet import Fleet
from equigrid.markets.games.game import Game
from equigrid.markets.model.sources import Dual, as_source


def checked_values(game: Game, values: Mapping[str, Any]) -> dict[str, FloatArray]:
    """Return what is said at an answer as arrays, if it is all there and in shape.

    Raises
    ------
    ValueError
        With a line for each value that is missing, that nobody says, that has another shape or
        that is no number; each names it. A NaN is a number here.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"values must be a mapping of paths to arrays, not {values!r}")
    shapes, arrays = _shapes(game), {}
    findings = [
        f"values lack '{path}'" for path in dict.fromkeys(_needed(game)) if path not in values
    ]
    for path, value in values.items():
        array = _as_array(value)
        if path not in shapes:
            findings.append(f"values name '{path}', which nobody says" + did_you_mean(path, shapes))
        elif array is None:
            findings.append(f"the value of '{path}' is {_shown(value)}, not a number")
        elif array.shape != shapes[path]:
            findings.append(f"the value of '{path}' has shape {array.shape}, not {shapes[path]}")
        else:
            arrays[path] = array
    _raise_if(findings)
    return arrays


def check_proofs(
    game: Game,
    points: Mapping[str, Point],
    fleets: Mapping[str, FleetPoint],
    bounds: Mapping[str, float],
) -> None:
    """Refuse points and bounds of agents that have none, and points of other shapes.

    Raises
    ------
    ValueError
        With a line for each.
    """
    deciders = [agent.name for agent in game.deciders]
    members = [agent.name for agent in game.deciders if isinstance(agent, Fleet)]
    findings = []
    for what, given, known in (
        ("points", points, deciders),
        ("fleets", fleets, members),
        ("bounds", bounds, list(game.leaders)),
    ):
        findings += [
            f"{what} name '{name}', which has none" + did_you_mean(name, known)
            for name in given
            if name not in known
        ]
    _raise_if(findings)
    for name, point in points.items():
        form = game.forms[name]
        n, wanted = form.columns, {"heard": (form.heard_size,), "rows": (len(form.rhs),)}
        wanted |= dict.fromkeys(("columns", "lower", "upper"), (n,))
        findings += _other_shapes(f"points['{name}']", point, wanted)
    for name, whole in fleets.items():
        fleet = game.agent(name)
        assert isinstance(fleet, Fleet)
        form = fleet.member_form(())
        shapes = {"columns": (fleet.size, form.columns), "rows": (fleet.size, len(form.rhs))}
        findings += _other_shapes(f"fleets['{name}']", whole, shapes)
    _raise_if(findings)


def _other_shapes(name: str, point: Any, wanted: Mapping[str, tuple[int, ...]]) -> list[str]:
    shapes = {part: np.shape(getattr(point, part)) for part in wanted}
    return [
        f"{name}.{part} has shape {shapes[part]}, not {shape}"
        for part, shape in wanted.items()
        if shapes[part] != shape
    ]


def not_finite(values: Mapping[str, FloatArray]) -> tuple[str, ...]:
    """Return the names of values with an entry that is infinite or not a number."""
    return tuple(path for path, value in values.items() if not np.isfinite(value).all())


def not_numbers(
    points: Mapping[str, Point],
    fleets: Mapping[str, FleetPoint],
    numbers: Mapping[str, float | None],
) -> tuple[str, ...]:
    """Return what of a proof is not a number, by name: maxima would pass over it."""
    names = [name for name, value in numbers.items() if value is not None and np.isnan(value)]
    for what, given in (("points", points), ("fleets", fleets)):
        for name, point in given.items():
            names += [
                f"{what}['{name}'].{part}"
                for part, array in vars(point).items()
                if np.isnan(array).any()
            ]
    return tuple(names)


def unchecked(game: Game, values: Mapping[str, FloatArray]) -> tuple[str, ...]:
    """Return what no check covers: duals that nobody uses, what is not affine, or not there."""
    used = {dual for agent in game.deciders for dual in wanted_duals(game, agent).values()}
    said = [
        (f"{agent.name}.{name}", isinstance(agent, Fleet) or agent.says[name].is_affine())
        for agent in game.deciders
        for name in agent.says
    ]
    open_ = [path for path, is_affine in said if path not in values or not is_affine]
    return (
        *open_,
        *(path for path in values if isinstance(as_source(path), Dual) and path not in used),
    )


def off_announced(game: Game, values: Mapping[str, FloatArray]) -> float:
    """Return how far what parties without a problem are said to say is from what they say."""
    return max(
        (
            greatest(values[path] - constant) / (greatest(constant) or 1.0)
            for path, constant in _announced(game)
            if path in values
        ),
        default=0.0,
    )


def _announced(game: Game) -> Iterator[tuple[str, FloatArray]]:
    for agent in game.agents:
        if not agent.decides:
            for name, said in agent.says.items():
                yield f"{agent.name}.{name}", np.asarray(said.value, dtype=float)


def _shapes(game: Game) -> dict[str, tuple[int, ...]]:
    """Shape of everything that may be said at an answer, by path."""
    shapes = {f"{a.name}.{name}": a.shape_of(name) for a in game.agents for name in a.says}
    for agent in game.deciders:
        shapes |= {
            Dual(f"{agent.name}.{name}"): tuple(told.shape) for name, told in agent.hears.items()
        }
    return shapes | {balance.name: game.balance_shape(balance) for balance in game.balances}


def _needed(game: Game) -> Iterator[str]:
    """What an answer has to say: all that leaders decide, and what anybody hears or pays for.

    What else followers decide moves nobody; where it is said, it is checked.
    """
    for name in game.leaders:
        yield from (f"{name}.{said}" for said in game.agent(name).says)
    used = [link.source for link in game.links if game.payment(link.source) is None]
    used += [s for p in game.payments for s in (p.price, p.quantity) if isinstance(s, str)]
    used += [term.source for balance in game.balances for term in balance.signed]
    yield from [*used, *(balance.name for balance in game.balances)]


def _as_array(value: Any) -> FloatArray | None:
    """Return a value as an array, or None where it is text, nothing, or ragged."""
    try:
        array = np.asarray(value)
        return np.asarray(array, dtype=float) if array.dtype.kind in "biuf" else None
    except (TypeError, ValueError):
        return None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _raise_if(found: list[str]) -> None:
    if found:
        raise ValueError("\n".join(found))
