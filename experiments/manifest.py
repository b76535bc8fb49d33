"""What a run was: versions, solver, tolerances, seconds, and how it ended."""

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from equigrid.experiments.played import Played

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


def manifest(played: "Played") -> dict[str, Any]:
    """Return everything that may differ between two runs of a study."""
    study, cases = played.study, played.cases
    return {
        "study": study.name,
        "system": study.spec.system,
        "study_sha256": study.digest(),
        "seed": study.spec.seed,
        "warnings": [str(warning) for warning in study.warnings],
        "messages": study.spec.messages.model_dump(),
        "messages_sha256": {case.name: case.world.mailroom.digest() for case in cases},
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _LIBRARIES},
        "solver": {"name": "HiGHS", **study.spec.methods.exact.stated()},
        "certificate": study.spec.certificate.model_dump(),
        "network": {
            name: getattr(study.spec.network, name, None)
            for name in ("feeder", "voltage_min_pu", "voltage_max_pu")
        },
        "seconds": {case.name: case.seconds for case in cases},
        "seconds_limit": played.seconds,
        "interrupted": played.interrupted,
        "missing": played.missing,
    }
