"""Scenario sets and trees: shapes, probabilities and their order."""

from typing import Any

import numpy as np
import pytest

from equigrid.scenarios.scenario_set import Branch, ScenarioSet, scenario_tree


def test_a_tree_has_the_papers_probabilities_in_its_order() -> None:
    load = Branch("load", np.array([[0.9], [1.0], [1.1]]), np.array([0.3, 0.6, 0.1]))
    sun = Branch("sun", np.array([[0.1], [0.4], [0.8]]), np.array([0.1, 0.2, 0.7]))
    tree = scenario_tree([load, sun])
    assert (100 * tree.probability).round(9).tolist() == [3, 6, 21, 6, 12, 42, 1, 2, 7]
    assert tree["load"].ravel().tolist() == [0.9] * 3 + [1.0] * 3 + [1.1] * 3
    assert tree["sun"].ravel().tolist() == [0.1, 0.4, 0.8] * 3
    assert len(tree) == 9
    assert tree.expected("load") == pytest.approx(0.98)
    assert tree.expected("sun") == pytest.approx(0.65)


def test_a_tree_of_one_branch_is_the_branch() -> None:
    only = scenario_tree([Branch("load", np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.5, 0.5]))])
    assert only["load"].tolist() == [[1, 2], [3, 4]]


def test_a_set_does_not_change() -> None:
    one = ScenarioSet({"load": np.ones((1, 2))}, np.ones(1))
    with pytest.raises(TypeError):
        one.values["load"] = np.zeros((1, 2))  # type: ignore[index]


@pytest.mark.parametrize(
    "probability", [[0.5, 0.6], [1.5, -0.5], [[0.5, 0.5]], [np.nan, 1.0], [0.5, 0.4], []]
)
def test_no_distribution(probability: Any) -> None:
    with pytest.raises(ValueError, match="probabilities of scenarios must be positive"):
        ScenarioSet({}, probability)


@pytest.mark.parametrize("shape", [(3, 2), (2,), (2, 2, 2)])
def test_wrong_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"'load' has shape .*; it must be \(2, hours\)"):
        ScenarioSet({"load": np.ones(shape)}, np.array([0.5, 0.5]))


def test_quantities_of_different_days() -> None:
    with pytest.raises(ValueError, match="the same number of hours"):
        ScenarioSet({"load": np.ones((1, 2)), "sun": np.ones((1, 3))}, np.ones(1))
