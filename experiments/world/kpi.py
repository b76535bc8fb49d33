"""A KPI: one figure of a case with its unit."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kpi:
    """One figure of a case with its unit."""

    value: float
    unit: str
