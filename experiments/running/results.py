"""The result of a run: KPIs, tables and certificates of all its cases, put together."""

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from equigrid.experiments.result import Result
from equigrid.experiments.running.case_results import case_result
from equigrid.experiments.running.kpis import read_kpis
from equigrid.experiments.running.manifest import manifest
from equigrid.experiments.running.own_code import placed, returned
from equigrid.experiments.running.played import Played, PlayedCase
from equigrid.experiments.spec.times import Times

_STANDARD = ("settlement", "linearisation")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")


def result_of(played: Played) -> Result:
    """Put together what the cases came to."""
    study, system = played.study, played.loaded.system
    with placed(system.files):
        kpis, failures = read_kpis(played)
        tables = joined([case_tables(case) for case in played.cases])
        content = system.made().report()
        shared = with_times(system.made().study_tables(study), study.spec.times)
    remarks = tuple(
        f"methods.{name} is stated, and nothing is played by that method" for name in played.unused
    )
    if played.uncompared:
        remarks += (f"cases are not compared, since '{played.uncompared}' was not played",)
    cases = tuple(
        case_result(case.run, kpis[case.name], failures.get(case.name, ()), remarks)
        for case in played.cases
    )
    return Result(
        study=study.name,
        title=study.spec.title,
        system=study.spec.system,
        currency=study.spec.currency,
        seed=study.spec.seed,
        cases=cases,
        tables={**tables, **_rounds(played), **shared},
        network=study.network,
        tolerance=study.spec.certificate.model_dump(),
        messages="".join(case.world.mailroom.lines() for case in played.cases),
        manifest=manifest(played),
        missing=dict(played.missing),
        content=content,
    )


def joined(parts: Sequence[Mapping[str, pd.DataFrame]]) -> dict[str, pd.DataFrame]:
    """Stack tables of the same name, in the order of the parts; not every part has them all."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {
        name: pd.concat([part[name] for part in parts if name in part], ignore_index=True)
        for name in names
    }


def case_tables(case: PlayedCase) -> dict[str, pd.DataFrame]:
    """Return the tables of a case: those of its system, and the settlement if anybody was paid."""
    settlement = case.run.table("settlement")
    named = {"settlement": settlement} if len(settlement) else {}
    tables = {
        name: table if "case" in table else table.assign(case=case.name)
        for name, table in {**named, **_checked(case)}.items()
    }
    return with_times(tables, case.run.spec.times)


def _checked(case: PlayedCase) -> Mapping[str, pd.DataFrame]:
    tables = case.system.tables(case.run)
    if not isinstance(tables, Mapping):
        words = f"it returned {type(tables).__name__}; return DataFrames by name"
        raise returned(case.system.tables, words)
    for name, table in tables.items():
        if not isinstance(table, pd.DataFrame):
            words = f"'{name}' is a {type(table).__name__}; return DataFrames by name"
            raise returned(case.system.tables, words)
        if name in _STANDARD or not _NAME.fullmatch(str(name)):
            words = f"'{name}' cannot be the name of a table of its own"
            raise returned(case.system.tables, f"{words}; choose another: small letters, digits, _")
    return tables


def with_times(tables: Mapping[str, pd.DataFrame], times: Times | None) -> dict[str, pd.DataFrame]:
    """Return tables with the times at which their steps begin, where both are known."""
    if times is None:
        return dict(tables)
    begins = pd.DatetimeIndex(times)
    return {
        name: table.assign(time=begins[table["step"].to_numpy(int) - 1])
        if "step" in table
        else table
        for name, table in tables.items()
    }


def _rounds(played: Played) -> dict[str, pd.DataFrame]:
    """Return the rounds of linear networks, no table where there were none."""
    rows = [
        (case.name, stage.name, one.number, one.error_pu)
        for case in played.cases
        for stage in case.run.stages.values()
        for one in stage.linear_rounds
    ]
    table = pd.DataFrame(rows, columns=["case", "stage", "round", "error_pu"])
    return {"linearisation": table} if rows else {}
