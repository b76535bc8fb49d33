"""The KPIs of all cases: read case by case, then those that compare cases."""

from collections.abc import Mapping
from dataclasses import replace

from equigrid.errors import did_you_mean
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
            kpis[case.name] = _checked(case.system.kpis(case.run), "kpis")
        except Exception as error:
            if not case.run.interrupted:
                raise
            # A stage that was never played has nothing that figures could be read from.
            kpis[case.name] = {}
            failures[case.name] = (f"its figures cannot be read: {error}",)
    for name, more in _compared(played, kpis).items():
        if name not in kpis:
            raise TypeError(f"compare names the case '{name}'{did_you_mean(name, kpis)}")
        kpis[name] |= _checked(more, "compare")
    return kpis, failures


def _compared(
    played: Played, kpis: Mapping[str, Mapping[str, Kpi]]
) -> Mapping[str, Mapping[str, Kpi]]:
    cases: list[PlayedCase] = [case for case in played.cases if kpis[case.name]]
    if not cases:
        return {}
    runs = {case.name: replace(case.run, kpis=kpis[case.name]) for case in cases}
    return cases[0].system.compare(runs)


def _checked(said: Mapping[str, Kpi], where: str) -> dict[str, Kpi]:
    """Return KPIs with plain numbers."""
    if not isinstance(said, Mapping):
        raise TypeError(f"{where} returned {type(said).__name__}; return KPIs by name")
    checked = {}
    for name, kpi in said.items():
        if not isinstance(kpi, Kpi):
            raise TypeError(
                f"{where}: '{name}' is a {type(kpi).__name__}; write eg.Kpi(value, unit)"
            )
        checked[str(name)] = Kpi(float(kpi.value), str(kpi.unit))
    return checked
