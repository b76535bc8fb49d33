"""Delivering at random what a result has sold, with AC power flow as the judge."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from equigrid.errors import UnusableResult
from equigrid.experiments.running.loading import list_studies, load_study
from equigrid.experiments.running.systems import find_system, is_shipped
from equigrid.experiments.spec.findings import UnusableInput
from equigrid.experiments.spec.study import Study
from equigrid.experiments.system import Deliveries, System
from equigrid.threads import one_blas_thread

VOLTAGE_PU, LOADING_PERCENT = 1e-4, 0.1
"""A delivery violates a limit when it is further beyond it than this."""


@dataclass(frozen=True, eq=False)
class Delivered:
    """What random deliveries of one case came to.

    Attributes
    ----------
    case : str
    secured : bool
        Whether the case promises that none violates a limit.
    count, violating : int
    worst_voltage_pu, worst_loading_percent : float
        Beyond the limits; infinite where a power flow does not converge.
    """

    case: str
    secured: bool
    count: int
    violating: int
    worst_voltage_pu: float
    worst_loading_percent: float

    @property
    def kept(self) -> bool:
        """Whether what the case promises holds."""
        return not (self.secured and self.violating)

    def __str__(self) -> str:
        """Say it in a sentence."""
        return (
            f"{self.case}: {100 * self.violating / self.count:.1f} % of {self.count} deliveries "
            f"violate a limit in AC (at worst {self.worst_voltage_pu:.5f} p.u. and "
            f"{self.worst_loading_percent:.2f} % beyond)"
            + ("" if self.kept else "; the case promises that none does")
        )


@one_blas_thread()
def deliver(
    directory: Path, study: str | Path | None = None, count: int = 1000, seed: int | None = None
) -> list[Delivered]:
    """Run random deliveries of what each case of a result sold through AC.

    Parameters
    ----------
    directory : Path
        Of a result.
    study : str or Path, optional
        The study that the result is of; the shipped one of that name if not given.
    count : int
        Deliveries a case.
    seed : int, optional
        That of the result if not given.

    Raises
    ------
    UnusableResult
        When a file is missing, the study is another one, or its system sells nothing.
    """
    try:
        manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
        chosen = _study(manifest, study)
        tables = {
            name: pd.read_parquet(directory / "tables" / f"{name}.parquet")
            for name in ("offers", "photovoltaics")
        }
        root = int(manifest["seed"]) if seed is None else seed
    except (UnusableResult, UnusableInput):
        raise
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnusableResult(f"{directory} holds no complete result: {error}") from error
    return list(_each_case(chosen, tables, count, root))


def _each_case(
    study: Study, tables: dict[str, pd.DataFrame], count: int, seed: int
) -> Iterator[Delivered]:
    system = find_system(study.spec.system, study.folder).made()
    played = set(tables["offers"]["case"])  # all cases, unless the run was interrupted
    for case in (case for case in study.cases if case.name in played):
        own = {name: table[table["case"] == case.name] for name, table in tables.items()}
        found = system.deliveries(study.in_case(case.name), case, own, count, seed)
        assert found is not None
        yield _summed_up(case.name, found)


def _summed_up(case: str, found: Deliveries) -> Delivered:
    beyond = (found.voltage_pu > VOLTAGE_PU) | (found.loading_percent > LOADING_PERCENT)
    return Delivered(
        case,
        found.secured,
        len(beyond),
        int(np.count_nonzero(beyond)),
        float(found.voltage_pu.max()),
        float(found.loading_percent.max()),
    )


def _study(manifest: dict[str, Any], study: str | Path | None) -> Study:
    """Return the study that a manifest vouches for."""
    sells = str(manifest["system"])
    system = find_system(sells, Path()).kind if is_shipped(sells) else System
    if system.deliveries is System.deliveries:
        raise UnusableResult(f"the system '{manifest['system']}' sells nothing to be delivered")
    name = manifest["study"] if study is None else study
    if study is None and name not in list_studies():
        raise UnusableResult(f"'{name}' is no shipped study; name its file with --study FILE.yaml")
    result = load_study(name).with_seed(int(manifest["seed"]))
    digests = {result.digest(), *(_of_method(result))}
    if manifest["study_sha256"] not in digests:
        raise UnusableResult(
            f"the study '{name}' is not what the result was made of; name its file with --study"
        )
    return result


def _of_method(study: Study) -> Iterator[str]:
    """Yield the digest that a run of the exact stages alone has."""
    if any(entry.method == "exact" for entry in getattr(study.spec, "timetable", ())):
        yield study.with_method("exact").digest()
