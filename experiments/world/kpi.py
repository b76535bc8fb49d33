"""A KPI: one figure of a case with its unit."""

from dataclasses import dataclass

from equigrid.experiments.world.arguments import one_number


@dataclass(frozen=True)
class Kpi:
    """One figure of a case with its unit."""

    value: float
    unit: str

    def __post_init__(self) -> None:
        """Hold a plain number."""
        object.__setattr__(self, "value", one_number(self.value, "the value of a Kpi"))
