"""What a study says of its feeder."""

from typing import Annotated, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from equigrid.experiments.spec.fields import Name, Positive, Text, no_less_than
from equigrid.experiments.spec.part import Part
from equigrid.experiments.spec.series import NotNegativeSeries


class Linearisation(Part):
    """How often, and how well, the linear network is fitted to AC power flow.

    Where it is fitted in one case only, the others use the linear network of that case.
    """

    rounds: Annotated[int, Field(ge=1, le=50)]
    tolerance_pu: Annotated[float, Field(gt=0)]
    case: Name | None = None


class NetworkChoice(Part):
    """A shipped feeder or a file, with its switches and voltage limits.

    `generation_profile` is what the feeder's own generation feeds in, step by step, relative to
    its nominal power; all of it in every step if left out.
    """

    left_out: ClassVar[tuple[str, ...]] = ("ratings_ka",)

    feeder: Text
    open_branches: tuple[Text, ...] = ()
    closed_branches: tuple[Text, ...] = ()
    voltage_min_pu: Annotated[float, Field(gt=0, lt=2)] = 0.9
    voltage_max_pu: Annotated[float, Field(gt=0, lt=2)] = 1.1
    ratings_ka: dict[Text, Positive] = Field(default_factory=dict)
    generation_profile: NotNegativeSeries | None = None
    linearisation: Linearisation | None = None

    @field_validator("voltage_max_pu")
    @classmethod
    def _above_minimum(cls, value: float, info: ValidationInfo) -> float:
        return no_less_than("voltage_min_pu", value, info)
