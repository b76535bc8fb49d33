"""Rebuilding a bargaining from its messages alone, and comparing with what was reported."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from equigrid.errors import UnusableResult
from equigrid.experiments.logged_run import LoggedRun, close
from equigrid.experiments.running.systems import find_system, is_shipped
from equigrid.experiments.system import System
from equigrid.experiments.writable import digest as file_digest
from equigrid.markets.messaging.message_log import RoundDigest, digest, read_log
from equigrid.threads import one_blas_thread

Tables = dict[str, pd.DataFrame]
_FIRST = "disco-microgrids"  # the system of a manifest that names none: there was one only


@one_blas_thread()
def replay(directory: Path) -> list[str]:
    """Rebuild every case from ``messages.jsonl`` and return what differs, nothing if equal.

    Parameters
    ----------
    directory : Path
        Of a result.

    Raises
    ------
    UnusableResult
        When a file is missing or is not what a run writes.
    """
    try:
        messages = read_log(directory / "messages.jsonl")
        summary = json.loads((directory / "summary.json").read_text(encoding="utf-8"))
        manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
        system = _shipped(manifest.get("system", _FIRST))
        tables = _tables(directory, system.logged_tables)
        reported = {case: c["kpis"] for case, c in summary["cases"].items()}
        digests = dict(manifest["messages_sha256"])
        step_hours = manifest.get("step_minutes", 60) / 60
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnusableResult(f"{directory} holds no complete result: {error}") from error
    findings = []
    for case, kpis in reported.items():
        own = [message for message in messages if message.case == case]
        of_case = {n: t[t["case"] == case] if "case" in t else t for n, t in tables.items()}
        findings += [
            f"{case}: {text}"
            for text in _differences(system, LoggedRun(own, step_hours), kpis, of_case)
        ]
        if digests.get(case) != digest(own):
            findings.append(f"{case}: the messages are not those that the manifest vouches for")
    told = {message.case for message in messages}
    findings += system.kpi_differences(reported)
    if not is_shipped(manifest.get("system", _FIRST)):
        findings += _changed(directory, manifest)
    return findings + [f"{case}: in the messages only" for case in sorted(told - set(reported))]


def _changed(directory: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Say which files are not as they were written, where no figure is rebuilt."""
    files = manifest.get("files", {})
    return [
        f"{name} is not as it was written"
        for name, written in files.items()
        if not (directory / name).is_file() or file_digest(directory / name) != written
    ]


def _shipped(name: str) -> System[Any]:
    """Return a shipped system; of others only what is paid is compared, and no code is run."""
    return find_system(name, Path()).made() if is_shipped(name) else System()


def _tables(directory: Path, needed: Iterable[str]) -> Tables:
    """Read the tables that are needed, and the settlement if anybody was paid."""
    folder = directory / "tables"
    found = {name: pd.read_parquet(folder / f"{name}.parquet") for name in needed}
    settlement = folder / "settlement.parquet"
    if settlement.exists():
        return {**found, "settlement": pd.read_parquet(settlement)}
    columns = ["case", "stage", "payment", "payer", "payee", "amount"]
    return {**found, "settlement": pd.DataFrame(columns=columns)}


def _differences(
    system: System[Any], told: "LoggedRun", kpis: Mapping[str, Any], tables: Tables
) -> Iterator[str]:
    """Yield a sentence for each figure that does not agree."""
    yield from _owed(told, tables["settlement"])
    if not told.stage and type(system) is not System:  # what systems rebuild is of its stage
        yield "no final signal among the messages"
        return
    for name, value in system.told_kpis(told, tables).items():
        if name in kpis and not close(value, kpis[name]["value"]):
            yield f"{name} is {kpis[name]['value']!r}, the messages say {value!r}"
    yield from system.told_differences(told, tables)


def _owed(told: "LoggedRun", settlement: pd.DataFrame) -> Iterator[str]:
    """Compare what is owed, payment by payment, in the stages that the settlement lists."""
    keys = ["stage", "payment", "payer", "payee"]
    summed = settlement.groupby(keys, sort=False)["amount"].sum()
    owed = {tuple(map(str, key)): float(amount) for key, amount in summed.items()}
    stages = {stage for stage, *_ in owed}
    said = {key: amount for key, amount in told.owed().items() if key[0] in stages}
    if said.keys() != owed.keys():
        yield "the settlement lists other payments than the messages"
    for key, amount in said.items():
        if key in owed and not close(amount, owed[key]):
            yield f"payment '{key[1]}' is {owed[key]!r}, the messages say {amount!r}"


def agreement(directory: Path) -> str:
    """Say what a replay without differences has shown."""
    manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    if is_shipped(manifest.get("system", _FIRST)):
        return "the messages say what the tables and the summary say"
    return (
        "the messages say what the settlement says, and every file is as it was written; other "
        "figures are not rebuilt, since that would run the code of their system"
    )


def not_compared(directory: Path) -> list[str]:
    """Return a sentence for each case and stage with rounds of which the log holds digests only."""
    entries = read_log(directory / "messages.jsonl")
    counts = Counter((e.case, e.stage) for e in entries if isinstance(e, RoundDigest))
    return [
        f"{case}: not compared, as the log holds digests only: {count} rounds of stage '{stage}'"
        for (case, stage), count in counts.items()
    ]
