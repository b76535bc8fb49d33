"""The KPIs of all cases: read case by case, then those that compare cases."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from equigrid.errors import did_you_mean
from equigrid.experiments.running.own_code import returned
from equigrid.experiments.running.played import Played, PlayedCase
from equigrid.experiments.world.kpi import Kpi

Failures = dict[str, tuple[str, ...]]


def read_kpis(played: Played) -> tuple[dict[str, dict[str, Kpi]], Failures]:
    """Return KPIs by case, and sentences about what a cut-off case could not give.

    Raises
    ------
    TypeError
        When what a system returns is no KPI.
    """
    kpis: dict[str, dict[str, Kpi]] = {}
    failures: Failures = {}
    for case in played.cases:
        try:
            kpis[case.name] = _checked(case.system.kpis(case.run), case.system.kpis)
        except Exception as error:
            if not case.run.interrupted:
                raise
            # A stage that was never played has nothing that figures could be read from.
            kpis[case.name] = {}
            failures[case.name] = (f"its figures cannot be read: {error}",)
    _compare(played, kpis)
    return kpis, failures


def _compare(played: Played, kpis: dict[str, dict[str, Kpi]]) -> None:
    """Add KPIs that compare cases."""
    compare = played.cases[0].system.compare
    compared = _compared(played, kpis)
    if not isinstance(compared, Mapping):
        raise returned(compare, "compare returns KPIs by case: {case: {name: eg.Kpi(…)}}")
    for name, more in compared.items():
        if name not in kpis:
            words = f"compare returns KPIs by case, and there is no case '{name}'"
            raise returned(compare, f"{words}{did_you_mean(name, kpis)}")
        kpis[name] |= _checked(more, compare)


def _compared(
    played: Played, kpis: Mapping[str, Mapping[str, Kpi]]
) -> Mapping[str, Mapping[str, Kpi]]:
    cases: list[PlayedCase] = [case for case in played.cases if kpis[case.name]]
    if not cases:
        return {}
    runs = {case.name: replace(case.run, kpis=kpis[case.name]) for case in cases}
    try:
        return cases[0].system.compare(runs)
    except KeyError as error:
        absent = {case.name for case in played.study.cases} - runs.keys()
        if error.args and error.args[0] in absent:
            played.uncompared = str(error.args[0])
            return {}
        raise


def _checked(said: Mapping[str, Kpi], function: Callable[..., Any]) -> dict[str, Kpi]:
    """Return KPIs, or refuse what a system returned in their place."""
    if not isinstance(said, Mapping):
        raise returned(function, f"it returned {type(said).__name__}; return KPIs by name")
    checked = {}
    for name, kpi in said.items():
        if not isinstance(kpi, Kpi):
            words = f"'{name}' is a {type(kpi).__name__}; write eg.Kpi(value, unit)"
            raise returned(function, words)
        checked[str(name)] = Kpi(kpi.value, str(kpi.unit))
    return checked
