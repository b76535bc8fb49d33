"""Running a study: every case on a clock of its own, certified, checked in AC, and written."""

import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from equigrid.experiments.feasibility import refuse_infeasible
from equigrid.experiments.linearisation import rounds_table
from equigrid.experiments.report.page import report_html
from equigrid.experiments.result import CaseResult, Kpi, Result
from equigrid.experiments.study import Study, load_study
from equigrid.experiments.systems import Dispatch, Mask, System, system_kind
from equigrid.experiments.tables import joined
from equigrid.experiments.world import World
from equigrid.grid.judged import Judged, judged_flow
from equigrid.markets.certification.certificate import AcFindings

Progress = Callable[[str], None]


def run(
    study: Study | str | Path,
    out: str | Path | None = None,
    *,
    method: str | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Run all cases of a study.

    Parameters
    ----------
    study : Study, str or Path
        A loaded study, the name of a shipped one, or a file.
    out : str or Path, optional
        Directory to write (replaced if it exists); nothing is written without it.
    method : {"exact", "best-response"}, optional
        Play only the stages of this method; all stages otherwise.
    seed : int, optional
        In place of the study's own.
    progress : callable, optional
        Told a short sentence whenever something begins.

    Raises
    ------
    UnusableInput
        When the study cannot be used; nothing is written.
    NoAnswer
        When an agent has no feasible answer, naming it and the hour; nothing is written.
    """
    chosen = study if isinstance(study, Study) else load_study(study)
    chosen = chosen if seed is None else chosen.with_seed(seed)
    chosen = chosen if method is None else chosen.with_method(method)
    result = _run_cases(chosen, progress or (lambda text: None))
    if out is not None:
        result.write(Path(out), report_html(result))
    return result


class _Case:
    """One case as it goes: its world, outcomes and AC check."""

    def __init__(
        self, study: Study, name: str, progress: Progress, like: System | None = None
    ) -> None:
        self.name, self.seconds = name, {}
        self.world = World(study, name, progress, like)
        refuse_infeasible(self.world.system.game, study.spec.hours)
        began = time.perf_counter()
        self.outcomes = self.world.run()
        self.system = self.world.system
        self.outcome = list(self.outcomes.values())[-1]
        self.talk = next((o for o in self.outcomes.values() if o.method == "best-response"), None)
        self.seconds["stages"] = time.perf_counter() - began
        progress(f"{name}: AC power flow of every scenario and hour")
        began = time.perf_counter()
        self.dispatch = self.system.dispatch(self.outcome)
        self.judged = _judged(study, self.dispatch)
        self.ac = self.judged.result
        self.seconds["ac"] = time.perf_counter() - began

    def findings(self) -> AcFindings:
        """Hold the AC results against the limits of the study."""
        limits = self.system.study.spec.network
        off = self.ac.violations(limits.voltage_min_pu, limits.voltage_max_pu)
        # Columns that do not converge have no voltage; that they exist is told beside.
        found = self.ac.converged & self._enforced()
        return AcFindings(
            required=self.world.case.ac,
            converged=bool(self.ac.converged.all()),
            max_voltage_violation_pu=float(off.voltage_pu[:, found].max(initial=0.0)),
            max_loading_violation_percent=float(off.loading_percent[:, found].max(initial=0.0)),
            max_linear_voltage_error_pu=self._linear_error(found),
            columns=len(found),
            judged_columns=int(np.count_nonzero(self.judged.judged)),
            max_route_difference_pu=self.judged.difference_pu,
        )

    def _enforced(self) -> Mask:
        columns = self.dispatch.enforced
        return np.ones_like(self.ac.converged) if columns is None else columns

    def _linear_error(self, found: Mask) -> float | None:
        if self.dispatch.voltage_pu is None:
            return None
        off = np.abs(self.dispatch.voltage_pu - self.ac.voltage_pu)
        return float(off[:, found].max(initial=0.0))


def _judged(study: Study, dispatch: Dispatch) -> Judged:
    limits = study.spec.network.voltage_min_pu, study.spec.network.voltage_max_pu
    loads = dispatch.net_load_mw, dispatch.net_load_mvar
    return judged_flow(study.network, *loads, *limits, dispatch.parts)


def _run_cases(study: Study, progress: Progress) -> Result:
    kind = system_kind(study.spec.system)
    kind.refuse(study)
    cases = _played(study, progress)
    kpis = {case.name: case.system.kpis(case.outcome, case.ac) for case in cases}
    kind.compared(kpis, study)
    tables = [case.system.tables(case.name, case.outcomes, case.ac) for case in cases]
    messages = "".join(case.world.mailroom.lines() for case in cases)
    return Result(
        study=study.name,
        title=study.spec.title,
        system=study.spec.system,
        currency=study.spec.currency,
        seed=study.spec.seed,
        cases=tuple(_case_result(study, case, kpis[case.name]) for case in cases),
        tables={**joined(tables), **_rounds(cases), **kind.study_tables(cases[0].system)},
        network=study.network,
        tolerance=study.spec.certificate.model_dump(),
        messages=messages,
        manifest=_manifest(study, cases),
    )


def _played(study: Study, progress: Progress) -> list[_Case]:
    """Play every case, first the one whose linear network the others use."""
    asked = study.spec.network.linearisation
    names = [case.name for case in study.spec.cases]
    if asked is None or asked.case is None:
        return [_Case(study, name, progress) for name in names]
    first = _Case(study, asked.case, progress)
    played = {
        name: _Case(study, name, progress, first.system) for name in names if name != asked.case
    }
    return [played.get(name, first) for name in names]


def _rounds(cases: list[_Case]) -> dict[str, pd.DataFrame]:
    """Return the rounds of the linear network, no table where none were asked for."""
    if cases[0].world.study.spec.network.linearisation is None:
        return {}
    return {"linearisation": pd.concat([rounds_table(c.world) for c in cases], ignore_index=True)}


def _case_result(study: Study, case: _Case, kpis: dict[str, Kpi]) -> CaseResult:
    certificate = case.outcome.certificate.with_ac(case.findings())
    found = certificate.shortcomings(
        study.spec.certificate.model_dump(), proven=case.outcome.method == "exact"
    )
    if not case.outcome.settled and case.outcome.method == "best-response":
        found.append("the negotiation did not settle within its round limit")
    found += case.world.shortcomings
    notes: dict[str, Any] = {"method": case.outcome.method, **case.outcome.statistics}
    notes |= _talk_notes(case) | _round_notes(case)
    return CaseResult(case.name, kpis, certificate, tuple(found), notes)


def _round_notes(case: _Case) -> dict[str, Any]:
    """Say how often the linear network was expanded, and how far AC was from the last one."""
    rounds = case.world.rounds
    if not rounds:
        return {}
    return {"linear_rounds": rounds[-1].number, "linear_error_pu": rounds[-1].error_pu}


def _talk_notes(case: _Case) -> dict[str, Any]:
    if case.talk is None:
        return {}
    talk = {
        "negotiation_settled": case.talk.settled,
        "negotiation_rounds": int(case.talk.statistics["rounds"]),
    }
    profit, exact = case.talk.leader_objective, case.outcome.leader_objective
    if profit is None or exact is None:
        return talk
    leads_up = case.outcome.game.agent(str(case.outcome.game.leader)).maximises
    worse = exact - profit if leads_up else profit - exact
    return {
        **talk,
        "negotiation_profit": profit,
        "negotiation_distance": worse / max(1.0, abs(exact)),
        "negotiation_maximises": leads_up,
    }


_LIBRARIES = (
    "equigrid",
    "cvxpy",
    "highspy",
    "mesa",
    "simpy",
    "pandapower",
    "numba",
    "power-grid-model",
    "numpy",
    "scipy",
)


def _manifest(study: Study, cases: list[_Case]) -> dict[str, Any]:
    logs = {case.name: case.world.mailroom.digest() for case in cases}
    return {
        "study": study.name,
        "system": study.spec.system,
        "study_sha256": study.digest(),
        "seed": study.spec.seed,
        "warnings": [str(warning) for warning in study.warnings],
        "messages": study.spec.messages.model_dump(),
        "messages_sha256": logs,
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _LIBRARIES},
        "solver": {"name": "HiGHS", **study.spec.methods.exact.model_dump()},
        "certificate": study.spec.certificate.model_dump(),
        "network": {
            "feeder": study.spec.network.feeder,
            "voltage_min_pu": study.spec.network.voltage_min_pu,
            "voltage_max_pu": study.spec.network.voltage_max_pu,
        },
        "seconds": {case.name: case.seconds for case in cases},
    }
