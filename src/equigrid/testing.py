"""For tests of systems: play one case of a system, and assert that its checks hold."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from equigrid.experiments.running.kpis import read_kpis
from equigrid.experiments.running.loading import LoadedStudy, load, load_mapping
from equigrid.experiments.running.played import play_cases
from equigrid.experiments.system import System
from equigrid.experiments.world.case_run import CaseRun
from equigrid.threads import one_blas_thread


@one_blas_thread()
def play(
    study: type[System[Any]] | str | Path,
    said: Mapping[str, Any] | None = None,
    *,
    case: str | None = None,
) -> CaseRun:
    """Play one case and return what it left, its KPIs read.

    Parameters
    ----------
    study : subclass of System, str or Path
        A system with what it is asked, or a study file.
    said : mapping, optional
        What a study file would say, where `study` is a system.
    case : str, optional
        The first one if not given.

    Raises
    ------
    UnusableInput, SystemFailed, NoAnswer
        As a run does.
    """
    loaded = _loaded(study, said)
    name = case or loaded.study.cases[0].name
    loaded.study.case(name)
    played = play_cases(loaded, lambda text: None, only=[name])
    kpis, _ = read_kpis(played)
    return replace(played.case(name), kpis=kpis[name])


def _loaded(study: type[System[Any]] | str | Path, said: Mapping[str, Any] | None) -> LoadedStudy:
    if isinstance(study, type):
        return load_mapping(study, said or {})
    return load(study)


def assert_certified(run: CaseRun) -> None:
    """Assert that every check of every binding stage holds.

    Raises
    ------
    AssertionError
        With a sentence for each check that does not.
    """
    failing = [
        f"{stage.name}: {check.shortfall or check.question}"
        for stage in run.binding
        for check in stage.checks
        if check.holds is False
    ]
    if failing:
        raise AssertionError("\n".join(failing))
