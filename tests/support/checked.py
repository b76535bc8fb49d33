"""Checks of made-up certificates, as a run collects them."""

from collections.abc import Mapping

from equigrid.experiments.result import StageCheck
from equigrid.markets.certification.certificate import Certificate
from equigrid.markets.certification.claim import Claim

TOLERANCE = {
    "regret": 1e-4,
    "gap": 1e-4,
    "settlement": 1e-6,
    "ac_voltage_pu": 5e-3,
    "ac_loading_percent": 0.0,
}


def checked(
    certificate: Certificate,
    claim: Claim = Claim.LEADER_OPTIMUM,
    tolerance: Mapping[str, float] = TOLERANCE,
    stage: str = "day-ahead",
) -> tuple[StageCheck, ...]:
    """Return the checks of a certificate as those of one binding stage."""
    return tuple(StageCheck(stage, True, check) for check in certificate.checks(tolerance, claim))
