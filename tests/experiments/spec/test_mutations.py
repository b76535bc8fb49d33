"""Whatever is done to a shipped study, it is read or refused, with file, line and field."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from equigrid.experiments.running.loading import list_studies, load_study, study_path
from equigrid.experiments.spec.findings import UnusableInput

SHIPPED: dict[str, dict[str, Any]] = {
    name: yaml.safe_load(study_path(name).read_text("utf-8")) for name in list_studies()
}


def _places(value: Any, loc: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, item in inner:
        found.append((*loc, key))
        found += _places(item, (*loc, key)) if isinstance(item, dict | list) else []
    return found


PLACES = {name: _places(data) for name, data in SHIPPED.items()}
SCALARS = (
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats() | st.text(max_size=5)
)
WORDS = st.sampled_from(
    ["mg1", "12", "baran-wu-69", "spot.csv", "steps", "ramp_penalty", "2026-03-29 Europe/Berlin"]
)
VALUES = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=3), inner),
    max_leaves=4,
)
NAMES = st.sampled_from(
    ["steps", "step_minutes", "start", "hours", "stages", "set", "name", "cases", "network", "x"]
)
MUTATIONS = st.tuples(
    st.integers(0), st.sampled_from(["set", "drop", "add", "twice"]), VALUES, NAMES
)


def _mutate(data: dict[str, Any], place: tuple[Any, ...], how: str, value: Any, name: str) -> None:
    inner: Any = data
    for step in place[:-1]:
        if not isinstance(inner, dict | list) or (
            step not in inner if isinstance(inner, dict) else not step < len(inner)
        ):
            return
        inner = inner[step]
    last = place[-1]
    if isinstance(inner, list) and isinstance(last, int) and last < len(inner):
        if how == "twice":
            inner.insert(last, copy.deepcopy(inner[last]))
        elif how == "drop":
            inner.pop(last)
        else:
            inner[last] = value
    elif isinstance(inner, dict) and how == "drop":
        inner.pop(last, None)
    elif isinstance(inner, dict):
        inner[last if how == "set" else name] = value


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(SHIPPED)), st.lists(MUTATIONS, min_size=1, max_size=3))
def test_a_mutated_study_is_read_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, name: str, mutations: list[tuple[int, str, Any, str]]
) -> None:
    _read_or_refused(tmp_path_factory.mktemp("mutated"), name, mutations)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(SHIPPED)), st.lists(MUTATIONS, min_size=1, max_size=3))
def test_some_mutated_studies_are_read_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, name: str, mutations: list[tuple[int, str, Any, str]]
) -> None:
    _read_or_refused(tmp_path_factory.mktemp("mutated"), name, mutations)


def _read_or_refused(folder: Path, name: str, mutations: list[tuple[int, str, Any, str]]) -> None:
    data = copy.deepcopy(SHIPPED[name])
    for number, how, value, key in mutations:
        _mutate(data, PLACES[name][number % len(PLACES[name])], how, value, key)
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    try:
        study = load_study(path)
        _ = study.warnings
        assert study.to_yaml()
    except UnusableInput as error:
        lines = len(path.read_text("utf-8").splitlines())
        for finding in error.findings:
            assert finding.file.startswith(str(folder))
            assert 1 <= finding.line <= lines
            assert finding.path or "not text" in finding.message
