"""What a run leaves behind: KPIs, tidy tables, certificates, and the files that hold them."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from equigrid.experiments.strict import strict
from equigrid.experiments.tie_loss import told_loss
from equigrid.experiments.whole import write_whole
from equigrid.grid.network.network import Network
from equigrid.markets.certification.certificate import Certificate

_FORMAT = "equigrid-result-1"


@dataclass(frozen=True)
class Kpi:
    """One figure of a case with its unit."""

    value: float
    unit: str


@dataclass(frozen=True, eq=False)
class CaseResult:
    """What one case of a study came to.

    Attributes
    ----------
    name : str
    kpis : Mapping of str to Kpi
    certificate : Certificate
    shortcomings : tuple of str
        A sentence for each tolerance that does not hold; empty when certified.
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
    shortcomings: tuple[str, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    stopped_by: str = ""


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
    network : Network
    tolerance : Mapping of str to float
        What the certificate was held against.
    messages : str
        The log of all messages, one JSON object a line.
    manifest : Mapping
        Versions, solver, tolerances and seconds: everything that may differ between two runs.
    missing : Mapping of str to str
        Cases without an answer, and why.
    """

    study: str
    title: str
    system: str
    currency: str
    seed: int
    cases: tuple[CaseResult, ...]
    tables: Mapping[str, pd.DataFrame]
    network: Network
    tolerance: Mapping[str, float]
    messages: str
    manifest: Mapping[str, Any]
    missing: Mapping[str, str] = field(default_factory=dict)

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
    by_name |= {"stopped_by": case.stopped_by} if case.stopped_by else {}
    return by_name | ({"not_finite": words} if words else {})


def _certificate(certificate: Certificate) -> dict[str, Any]:
    ac = certificate.ac
    assert ac is not None
    return {
        "regret": dict(certificate.regret),
        "optimality_gap": certificate.optimality_gap,
        "optimality_gap_money": certificate.optimality_gap_money,
        "leader_regret": certificate.leader_regret,
        "primal_residual": certificate.primal_residual,
        "dual_residual": _optimality(certificate),
        "settlement_residual": certificate.settlement_residual,
        "money_moved": certificate.money_moved,
        "unchecked": list(certificate.unchecked),
        "ac": {
            "required": ac.required,
            "converged": ac.converged,
            "max_voltage_violation_pu": ac.max_voltage_violation_pu,
            "max_loading_violation_percent": ac.max_loading_violation_percent,
            "max_linear_voltage_error_pu": ac.max_linear_voltage_error_pu,
            "columns": ac.columns,
            "judged_columns": ac.judged_columns,
            "max_route_difference_pu": ac.max_route_difference_pu,
        },
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
