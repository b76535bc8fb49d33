"""What a run was: versions, solver, tolerances, seconds, and how it ended."""

import platform
from importlib.metadata import version
from typing import Any

from equigrid.experiments.running.played import Played
from equigrid.experiments.spec.network_choice import NetworkChoice
from equigrid.experiments.writable import digest

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


def manifest(played: Played) -> dict[str, Any]:
    """Return everything that may differ between two runs of a study."""
    study, cases = played.study, played.cases
    return {
        "study": study.name,
        "system": study.spec.system,
        "study_sha256": study.digest(),
        "seed": study.spec.seed,
        **study.spec.model_dump(mode="json", include={"steps", "step_minutes", "start"}),
        "warnings": [str(warning) for warning in study.warnings],
        "messages": study.spec.messages.model_dump(),
        "messages_sha256": {case.name: case.world.mailroom.digest() for case in cases},
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _LIBRARIES},
        "solver": {"name": "HiGHS", **study.spec.methods.model_dump(exclude_none=True)},
        "files": dict(study.files),
        "system_files": {path.name: digest(path) for path in played.loaded.system.files},
        "certificate": study.spec.certificate.model_dump(),
        "network": _network(study.spec.network),
        "seconds": {case.name: case.seconds for case in cases},
        "seconds_limit": played.seconds,
        "interrupted": played.interrupted,
        "missing": played.missing,
    }


def _network(said: NetworkChoice | None) -> dict[str, Any] | None:
    names = ("feeder", "voltage_min_pu", "voltage_max_pu")
    return None if said is None else {name: getattr(said, name) for name in names}
