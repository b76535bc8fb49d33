"""What a leader decides and nobody hears is certified as well, and values have to be values."""

from typing import Any

import cvxpy as cp
import numpy as np
import pytest

from equigrid.markets.certification.certificate import Certificate
from equigrid.markets.certification.certify import certify
from equigrid.markets.forms.points import Point
from equigrid.markets.games.game import Game
from equigrid.markets.methods.exact import Exact
from equigrid.markets.model.agent import Agent
from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment

TOLERANCE = {"regret": 1e-4, "gap": 1e-4, "settlement": 1e-6}


def _game(*, needed: bool = True, curved: bool = False) -> Game:
    """A leader that pays 3 for its line, without which it sells nothing and earns nothing."""
    price, bought = cp.Parameter(2, name="price"), cp.Variable(2, bounds=[0, 9])
    own = cp.Variable(2, bounds=[0, 2])
    cost = price @ bought + 5 * cp.sum(own)
    site = Agent(
        "site",
        cp.Problem(cp.Minimize(cost), [bought + own == 4]),
        {"price": price},
        {"bought": bought, "own": own},
    )
    offer, sold, income = cp.Variable(2, bounds=[0, 9]), cp.Parameter(2), cp.Parameter()
    connected, bought_in = cp.Variable(boolean=True), cp.Variable(2, nonneg=True)
    rows = [bought_in >= sold]
    rows += [cp.sum(bought_in) <= 20 * connected] if needed else []
    profit = income - 2 * cp.sum(bought_in) - 3 * connected
    says = {"price": offer, "connected": connected, "bought_in": bought_in}
    says |= {"spread": cp.max(offer) - cp.min(offer)} if curved else {}
    leader = Agent(
        "disco", cp.Problem(cp.Maximize(profit), rows), {"sold": sold, "income": income}, says
    )
    return Game(
        [leader, site, Agent("pool", says={"index": np.ones(2)})],
        leader="disco",
        payments=[Payment("bill", "site", "disco", "disco.price", "site.bought")],
        links=[
            Link("disco.price", "site.price"),
            Link("site.bought", "disco.sold"),
            Link("bill", "disco.income"),
        ],
    )


TRUE: dict[str, Any] = {
    "disco.price": np.full(2, 9.0),
    "disco.connected": np.array(1.0),
    "disco.bought_in": np.full(2, 2.0),
    "site.bought": np.full(2, 2.0),
    "site.own": np.full(2, 2.0),
}
PROFIT = 2 * 2 * (9.0 - 2.0) - 3.0


def _found(game: Game | None = None, **changed: Any) -> list[str]:
    values = {**TRUE, **{path.replace("__", "."): value for path, value in changed.items()}}
    certificate, _ = certify(game or _game(), values, claimed=PROFIT)
    return certificate.shortcomings(TOLERANCE, proven=False)


def test_the_whole_answer_has_no_shortcoming() -> None:
    found = Exact().solve(_game())
    assert found.leader_objective == pytest.approx(PROFIT)
    assert found.values["disco.connected"] == pytest.approx(1.0)
    assert found.certificate.leader_regret == pytest.approx(0.0, abs=1e-9)
    assert not found.certificate.shortcomings(TOLERANCE)
    assert _found() == []


@pytest.mark.parametrize("connected", [0.0, 2.0, -1.0, 0.5])
def test_a_binary_that_nobody_hears(connected: float) -> None:
    (first, *_) = _found(disco__connected=np.array(connected))
    assert first.startswith("what was claimed is infeasible by ")


def test_a_decision_that_is_feasible_and_not_the_best() -> None:
    """Without the row that needs it, the line is 3 too dear, of 36 that come in and 8 + 3 spent."""
    game = _game(needed=False)
    certificate, objective = certify(game, TRUE, bound=PROFIT + 3.0, claimed=PROFIT)
    assert objective == pytest.approx(PROFIT)
    assert certificate.leader_regret == pytest.approx(3 / (36 + 8 + 3))
    gap, better = certificate.shortcomings(TOLERANCE)
    assert gap.startswith("the leader's optimum is not proven")
    assert better == (
        "with the same announcement the leader could gain 0.064 of the money it moves by what "
        "it decides and nobody hears"
    )
    dearer = _found(disco__bought_in=np.full(2, 2.5))
    starts = ("with the same announcement the leader could gain", "settlement does not balance")
    assert all(text.startswith(start) for text, start in zip(dearer, starts, strict=True))


def test_a_followers_decision_that_nobody_hears() -> None:
    words = "what was claimed is infeasible by 0.33 of its greatest figure"
    assert words in _found(site__own=np.full(2, 1.0))


def test_what_a_party_without_a_problem_says_is_what_it_says() -> None:
    assert _found(pool__index=np.ones(2)) == []
    words = "what was claimed is infeasible by 0.5 of its greatest figure"
    assert _found(pool__index=np.array([1.0, 1.5])) == [words]


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("path", TRUE)
def test_a_value_that_is_no_finite_number(path: str, odd: float) -> None:
    values = {**TRUE, path: np.full(np.shape(TRUE[path]), odd)}
    certificate, objective = certify(_game(), values, bound=PROFIT, claimed=PROFIT)
    assert objective is None
    assert certificate.not_numbers == (f"the value of '{path}'",)
    found = certificate.shortcomings(TOLERANCE, proven=False)
    assert f"the value of '{path}' is not a finite number" in found
    assert "what site could gain by answering otherwise is not known" in found


def _point(game: Game, **changed: Any) -> Certificate:
    """The site's point at the answer: buying at 9 is worth 9 more than nothing, own 4 less."""
    form = game.forms["site"]
    bought, own = (form.variable_columns[v.id] for v in game.agent("site").variables())
    upper, columns = np.zeros(4), np.full(4, 2.0)
    upper[own] = 4.0
    sign = np.sign(form.matrix.toarray()[:, bought].sum(axis=1))
    heard = form.heard_vector({"price": TRUE["disco.price"]})
    parts = {
        "columns": columns,
        "heard": heard,
        "rows": -sign * 9.0,
        "lower": np.zeros(4),
        "upper": upper,
    }
    return certify(game, TRUE, points={"site": Point(**{**parts, **changed})})[0]


def test_a_multiplier_that_is_no_number() -> None:
    """Python's max passes over it, wherever it does not come first."""
    assert not _point(_game()).shortcomings(TOLERANCE, proven=False)
    for part, size in (("rows", 2), ("lower", 4), ("upper", 4), ("columns", 4), ("heard", 2)):
        odd = np.zeros(size)
        odd[-1] = np.nan
        certificate = _point(_game(), **{part: odd})
        assert certificate.not_numbers == (f"points['site'].{part}",)
        found = certificate.shortcomings(TOLERANCE, proven=False)
        assert f"points['site'].{part} is not a finite number" in found


@pytest.mark.parametrize("name", ["bound", "claimed"])
def test_a_bound_or_an_objective_that_is_no_number(name: str) -> None:
    numbers = {"bound": PROFIT, "claimed": PROFIT, name: np.nan}
    certificate, _ = certify(_game(), TRUE, bound=numbers["bound"], claimed=numbers["claimed"])
    assert f"{name} is not a finite number" in certificate.shortcomings(TOLERANCE)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("disco.connected", ..., "values lack 'disco.connected'"),
        ("site.bought", ..., "values lack 'site.bought'"),
        ("disco.price", ..., "values lack 'disco.price'"),
        (
            "disco.conected",
            1.0,
            "values name 'disco.conected', which nobody says; did you mean 'disco.connected'?",
        ),
        ("disco.price", np.ones(3), "the value of 'disco.price' has shape (3,), not (2,)"),
        ("disco.price", 9.0, "the value of 'disco.price' has shape (), not (2,)"),
        ("disco.price", "dear", "the value of 'disco.price' is 'dear', not a number"),
        ("disco.price", ["9", "9"], "the value of 'disco.price' is ['9', '9'], not a number"),
        ("disco.price", None, "the value of 'disco.price' is None, not a number"),
        ("disco.price", [9.0, None], "the value of 'disco.price' is [9.0, None], not a number"),
        ("disco.price", [[9.0], 9.0], "the value of 'disco.price' is [[9.0], 9.0], not a number"),
        ("disco.price", np.ones(2) * 1j, "the value of 'disco.price' is array([0.+1.j, 0.+1.j])"),
    ],
)
def test_values_that_are_none_are_named(path: str, value: Any, words: str) -> None:
    values = {**TRUE, path: value}
    if value is ...:
        del values[path]
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        certify(_game(), values)
    assert words in str(caught.value)


def test_all_that_is_malformed_is_told_at_once() -> None:
    values = {**TRUE, "disco.price": None, "site.own": np.ones(5), "nobody.x": 1.0}
    del values["disco.connected"]
    with pytest.raises(ValueError, match="lack") as caught:
        certify(_game(), values)
    assert len(str(caught.value).splitlines()) == 4
    nothing: Any = None
    with pytest.raises(ValueError, match="values must be a mapping of paths to arrays, not None"):
        certify(_game(), nothing)


def test_proofs_of_nobody_and_of_other_shapes() -> None:
    game = _game()
    point = Point(*(np.zeros(n) for n in (4, 2, 2, 4, 4)))
    with pytest.raises(ValueError, match="points name 'sight', which has none; did you mean 'site"):
        certify(game, TRUE, points={"sight": point})
    with pytest.raises(ValueError, match="bounds name 'site', which has none; there is: disco"):
        certify(game, TRUE, bounds={"site": 1.0})
    with pytest.raises(ValueError, match=r"points\['site'\]\.rows has shape \(3,\), not \(2,\)"):
        _point(game, rows=np.zeros(3))


def test_what_no_check_covers_is_named() -> None:
    """What is not affine holds no program to anything; a dual that nobody uses moves nobody."""
    values = {**TRUE, "disco.spread": np.array(7.0), "dual(site.price)": np.ones(2)}
    certificate, _ = certify(_game(curved=True), values)
    assert certificate.unchecked == ("disco.spread", "dual(site.price)")
    assert not certificate.shortcomings(TOLERANCE, proven=False)
    assert certify(_game(), TRUE)[0].unchecked == ()


def test_what_a_follower_says_to_nobody_may_be_left_out_and_is_named() -> None:
    less = {path: value for path, value in TRUE.items() if path != "site.own"}
    certificate, _ = certify(_game(), less)
    assert certificate.unchecked == ("site.own",)
    assert not certificate.shortcomings(TOLERANCE, proven=False)
