"""The certificate of a case: of its last binding stage, with the worst figure of each kind."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import Any

from equigrid.experiments.world.stage import Stage
from equigrid.markets.certification.ac_findings import AcFindings
from equigrid.markets.certification.certificate import Certificate

_NOTHING = Certificate(of_game=False)
# Figures of which the greatest is the worst; objectives and bounds are those of the last stage.
_WORST = (
    "primal_residual",
    "dual_residual",
    "settlement_residual",
    "stationarity_residual",
    "complementarity_residual",
    "balance_residual",
    "leader_regret",
)


def case_certificate(stages: Sequence[Stage]) -> Certificate:
    """Return the certificate of the binding stages of a case; empty where nothing is claimed."""
    known = [s.equilibrium.certificate for s in stages if s.equilibrium is not None]
    last = known[-1] if known else _NOTHING
    worst: dict[str, Any] = {
        name: _worst(getattr(certificate, name) for certificate in known or [last])
        for name in _WORST
    }
    names = dict.fromkeys(name for certificate in known for name in certificate.regret)
    regret = {
        name: _worst(c.regret[name] for c in known if name in c.regret) or 0.0 for name in names
    }
    odd = tuple(dict.fromkeys(name for certificate in known for name in certificate.not_numbers))
    merged = replace(last, regret=regret, not_numbers=odd, **worst)
    ac = _ac_of([stage.operation.findings for stage in stages if stage.operation is not None])
    return merged if ac is None else merged.with_ac(ac)


def _worst(values: Iterable[float | None]) -> float | None:
    """Return the greatest; one that is no number is worse than any."""
    known = [value for value in values if value is not None]
    return max(known, key=lambda v: math.inf if math.isnan(v) else v, default=None)


def _ac_of(findings: Sequence[AcFindings]) -> AcFindings | None:
    """Return the worst of what is enforced, or where nothing is, of what is reported."""
    enforced = [one for one in findings if one.required == "enforce"]
    chosen = enforced or list(findings)
    if len(chosen) < 2:
        return chosen[0] if chosen else None
    worst: dict[str, Any] = {
        field.name: _worst(getattr(one, field.name) for one in chosen)
        for field in fields(AcFindings)
        if field.name.startswith("max_")
    }
    return replace(
        chosen[-1],
        converged=all(one.converged for one in chosen),
        columns=sum(one.columns for one in chosen),
        judged_columns=sum(one.judged_columns for one in chosen),
        **worst,
    )
