"""`validate --parties` refuses what `run` refuses before a search, in the same words."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

from equigrid.experiments import timetable
from equigrid.experiments.running.loading import load, load_study
from equigrid.experiments.running.played import probe_cases
from equigrid.experiments.running.run import run
from equigrid.experiments.spec.findings import UnusableInput
from equigrid.grid.network.feeders import FORMAT
from equigrid.grid.network.tables import SCHEMAS
from equigrid.markets.methods.best_response import BestResponse
from equigrid.markets.methods.exact import Exact

_FACTORS = (0.0, 1e-3, 0.1, 10.0, 1e3, -1.0)
Loc = tuple[str | int, ...]


class _Searching(BaseException):
    """A run has come to its first search."""


class _NoExact(Exact):
    def play(self, *given: Any) -> Any:
        raise _Searching

    def search(self, *given: Any) -> Any:
        raise _Searching


class _NoTalk(BestResponse):
    def play(self, *given: Any) -> Any:
        raise _Searching


def _numbers(value: Any, loc: Loc = ()) -> Iterator[tuple[Loc, float]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        if isinstance(inner, dict | list):
            yield from _numbers(inner, (*loc, key))
        elif isinstance(inner, int | float) and not isinstance(inner, bool):
            yield (*loc, key), inner


def _set(data: Any, loc: Loc, value: Any) -> None:
    for step in loc[:-1]:
        data = data[step]
    data[loc[-1]] = value


def _refusal(act: Callable[[], Any]) -> tuple[str, str] | None:
    try:
        act()
    except _Searching:
        return None
    except Exception as error:
        return type(error).__name__, str(error)
    return None


def _mutated(own: SimpleNamespace, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a study and a feeder of which one figure is another."""
    rng = np.random.default_rng(number)
    study = own.study()
    feeder = {"format": FORMAT, "name": "own", "f_hz": 50.0, **own.tables()}
    for row in feeder["transformers"] + feeder["loads"]:  # figures that are there by default
        table = "transformers" if row in feeder["transformers"] else "loads"
        row |= {
            key: column.default
            for key, column in SCHEMAS[table].items()
            if isinstance(column.default, float) and key not in row and column.default == 0
        }
    target = study if number % 2 else feeder
    places = list(_numbers(target))
    loc, value = places[int(rng.integers(len(places)))]
    factor = _FACTORS[int(rng.integers(len(_FACTORS)))]
    changed = factor if value == 0 else value * factor
    _set(target, loc, int(changed) if isinstance(value, int) else changed)
    return study, feeder


def _both(
    folder: Path, study: dict[str, Any], feeder: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> tuple[tuple[str, str] | None, tuple[str, str] | None]:
    """Return what `validate` and what `run` says before its first search."""
    (folder / "own.json").write_text(json.dumps(feeder), encoding="utf-8")
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study, sort_keys=False), encoding="utf-8")
    monkeypatch.setattr(timetable, "Exact", _NoExact)
    monkeypatch.setattr(timetable, "BestResponse", _NoTalk)
    return _refusal(lambda: probe_cases(load(path))), _refusal(lambda: run(path))


@pytest.mark.slow
def test_sixty_mutations_are_refused_alike(
    tmp_path: Path, own: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = set()
    for number in range(60):
        validated, ran = _both(tmp_path, *_mutated(own, number), monkeypatch)
        assert validated == ran, number
        refused |= {number} if validated else set()
        assert validated is None or validated[0] in {"UnusableInput", "NoAnswer"}, (
            number,
            validated,
        )
    assert 12 < len(refused) < 55  # both happen, or nothing is compared


def test_iron_losses_are_refused_at_the_line_of_the_feeder(
    tmp_path: Path, own: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeder = {"format": FORMAT, "name": "own", **own.tables()}
    feeder["transformers"][0]["pfe_kw"] = 0.5
    validated, ran = _both(tmp_path, own.study(), feeder, monkeypatch)
    assert validated == ran
    assert validated is not None
    assert validated[0] == UnusableInput.__name__
    assert "network.feeder: Transformer 'T' has iron losses" in validated[1]


def test_a_party_without_an_answer_is_refused_alike(
    tmp_path: Path, own: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, feeder = own.study(), {"format": FORMAT, "name": "own", **own.tables()}
    study["agents"][4]["demand_mw"] = [0.5, 9.0]
    validated, ran = _both(tmp_path, study, feeder, monkeypatch)
    assert validated == ran
    assert validated is not None
    case = study["cases"][0]["name"]
    assert validated[1].startswith(f"{case}: day-ahead: 'mg1' has no feasible answer at any price")
    assert "step 2" in validated[1]


def test_an_unknown_system_is_one_finding(tmp_path: Path, own: SimpleNamespace) -> None:
    path = tmp_path / "study.yaml"
    for name in ("disco-microgrid", "frp-agregator", "something", 3):
        path.write_text(yaml.safe_dump(own.study() | {"system": name}, sort_keys=False))
        with pytest.raises(UnusableInput) as refused:
            load_study(path)
        assert [finding.path for finding in refused.value.findings] == ["system"]
