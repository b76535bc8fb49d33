"""What a run leaves behind: KPIs, tidy tables, certificates, and the files that hold them."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from equigrid.experiments.report_content import ReportContent
from equigrid.experiments.strict import strict
from equigrid.experiments.tie_loss import told_loss
from equigrid.experiments.whole import write_whole
from equigrid.experiments.world.kpi import Kpi
from equigrid.grid.network.network import Network
from equigrid.markets.certification.ac_findings import AcFindings
from equigrid.markets.certification.certificate import Certificate
from equigrid.markets.certification.check import Check

_FORMAT = "equigrid-result-1"


@dataclass(frozen=True)
class StageCheck:
    """A check of a stage; of the case as a whole where the stage has no name."""

    stage: str
    binding: bool
    check: Check

    @property
    def fails(self) -> bool:
        """Whether the case is not certified for it."""
        return self.binding and self.check.holds is False


@dataclass(frozen=True, eq=False)
class CaseResult:
    """What one case of a study came to.

    Attributes
    ----------
    name : str
    kpis : Mapping of str to Kpi
    certificate : Certificate
        Of the last binding stage, with the worst figure of each kind over all of them.
    checks : tuple of StageCheck
        Everything that was asked, of all stages.
    failures : tuple of str
        Sentences about what could not be read of the case.
    notes : Mapping of str to float or str
        How the answer was found: nodes, binaries, rounds, whether the negotiation settled.
    remarks : tuple of str
        Sentences about what nothing hangs on, such as a failed comparison.
    stopped_by : str
        What ended the search before its own end: ``nodes``, ``work``, ``clock``, ``interrupt``
        or another ``limit``; empty if nothing did.
    """

    name: str
    kpis: Mapping[str, Kpi]
    certificate: Certificate
    checks: tuple[StageCheck, ...] = ()
    failures: tuple[str, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    stopped_by: str = ""

    @property
    def shortcomings(self) -> tuple[str, ...]:
        """A sentence for each check of a binding stage that does not hold; empty if certified."""
        failing = [one for one in self.checks if one.fails]
        several = len({one.stage for one in self.checks if one.binding and one.stage}) > 1
        said = [
            f"{one.stage}: {one.check.shortfall}" if several and one.stage else one.check.shortfall
            for one in failing
        ]
        return (*said, *self.failures)


@dataclass(frozen=True, eq=False)
class Result:
    """A finished run.

    Attributes
    ----------
    study, title, system, currency : str
    seed : int
    cases : tuple of CaseResult
        In the order of the study.
    tables : Mapping of str to pandas.DataFrame
        Tidy tables; see ``docs/results.md``.
    network : Network or None
    tolerance : Mapping of str to float
        What the certificate was held against.
    messages : str
        The log of all messages, one JSON object a line.
    manifest : Mapping
        Versions, solver, tolerances and seconds: everything that may differ between two runs.
    missing : Mapping of str to str
        Cases without an answer, and why.
    content : ReportContent
        What the report shows of the system.
    """

    study: str
    title: str
    system: str
    currency: str
    seed: int
    cases: tuple[CaseResult, ...]
    tables: Mapping[str, pd.DataFrame]
    network: Network | None
    tolerance: Mapping[str, float]
    messages: str
    manifest: Mapping[str, Any]
    missing: Mapping[str, str] = field(default_factory=dict)
    content: ReportContent = field(default_factory=ReportContent, repr=False)

    @property
    def feeder(self) -> Network:
        """The network of a result that has one.

        Raises
        ------
        ValueError
            When the study has none.
        """
        if self.network is None:
            raise ValueError(f"the study '{self.study}' has no network")
        return self.network

    @property
    def certified(self) -> bool:
        """Whether every case of the study was played and meets its tolerances."""
        return not self.missing and not any(case.shortcomings for case in self.cases)

    @property
    def interrupted(self) -> bool:
        """Whether somebody ended the run before its end."""
        return bool(self.manifest.get("interrupted"))

    @property
    def kpis(self) -> pd.DataFrame:
        """All KPIs as a table: case, kpi, value, unit."""
        records = [
            (case.name, name, kpi.value, kpi.unit)
            for case in self.cases
            for name, kpi in case.kpis.items()
        ]
        return pd.DataFrame(records, columns=["case", "kpi", "value", "unit"])

    def case(self, name: str) -> CaseResult:
        """Return a case by name."""
        return next(case for case in self.cases if case.name == name)

    def summary(self) -> dict[str, Any]:
        """Return what ``summary.json`` holds."""
        return {
            "study": self.study,
            "seed": self.seed,
            "status": "certified" if self.certified else "uncertified",
            "cases": {case.name: _case_summary(case) for case in self.cases},
        }

    def write(self, directory: str | Path, report: str, *, replace: bool = True) -> None:
        """Write a result directory whole or not at all.

        Parameters
        ----------
        directory : str or Path
            Replaced if equigrid wrote it, and all that is in it.
        report : str
            The HTML report.
        replace : bool
            Whether it may be replaced at all.

        Raises
        ------
        UnusablePlace
            When the directory may not or cannot be written; what was there is as it was.
        """

        def fill(folder: Path) -> None:
            if self.tables:
                (folder / "tables").mkdir()
            (folder / "summary.json").write_text(_json(self.summary()), encoding="utf-8")
            (folder / "messages.jsonl").write_text(self.messages, encoding="utf-8")
            (folder / "report.html").write_text(report, encoding="utf-8")
            for name, table in self.tables.items():
                table.to_parquet(folder / "tables" / f"{name}.parquet", index=False)

        write_whole(directory, {"format": _FORMAT, **self.manifest}, fill, replace=replace)


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=2, allow_nan=False) + "\n"


def _case_summary(case: CaseResult) -> dict[str, Any]:
    """Return a case as plain data; `not_finite` says in words what is null for that reason."""
    words: dict[str, str] = {}
    by_name: dict[str, Any] = strict(
        {
            "kpis": {name: {"value": k.value, "unit": k.unit} for name, k in case.kpis.items()},
            "certificate": _certificate(case.certificate),
        },
        words,
    )
    by_name["certificate"]["worst_tie_loss"] = told_loss(case.certificate)
    by_name["stages"] = list(dict.fromkeys(one.stage for one in case.checks if one.stage))
    by_name["checks"] = [_check(one, words, k) for k, one in enumerate(case.checks)]
    by_name |= {"stopped_by": case.stopped_by} if case.stopped_by else {}
    return by_name | ({"not_finite": words} if words else {})


def _check(one: StageCheck, words: dict[str, str], k: int) -> dict[str, Any]:
    check = one.check
    said: dict[str, Any] = strict(
        {
            "stage": one.stage,
            "part": check.part,
            "question": check.question,
            "measured": check.measured,
            "allowed": check.allowed,
            "unit": check.unit,
            "holds": check.holds,
            "how": check.how,
        },
        words,
        f"checks.{k}",
    )
    return said


def _certificate(certificate: Certificate) -> dict[str, Any]:
    return {
        "regret": dict(certificate.regret),
        "optimality_gap": certificate.optimality_gap,
        "optimality_gap_money": certificate.optimality_gap_money,
        "leader_regret": certificate.leader_regret,
        "primal_residual": certificate.primal_residual,
        "dual_residual": _optimality(certificate),
        "settlement_residual": certificate.settlement_residual if certificate.of_game else None,
        "money_moved": certificate.money_moved,
        "unchecked": list(certificate.unchecked),
        "ac": None if certificate.ac is None else _ac(certificate.ac),
    }


def _ac(ac: AcFindings) -> dict[str, Any]:
    return {
        "required": ac.required,
        "converged": ac.converged,
        "max_voltage_violation_pu": ac.max_voltage_violation_pu,
        "max_loading_violation_percent": ac.max_loading_violation_percent,
        "max_linear_voltage_error_pu": ac.max_linear_voltage_error_pu,
        "columns": ac.columns,
        "judged_columns": ac.judged_columns,
        "max_route_difference_pu": ac.max_route_difference_pu,
    }


def _optimality(certificate: Certificate) -> float | None:
    """Return how far duals and multipliers are from optimal; None where there are none."""
    residuals = (
        certificate.dual_residual,
        certificate.stationarity_residual,
        certificate.complementarity_residual,
    )
    known = [residual for residual in residuals if residual is not None]
    return max(known, key=lambda value: math.inf if math.isnan(value) else value, default=None)
