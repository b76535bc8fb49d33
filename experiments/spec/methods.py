"""Settings of the methods, by name; what a study does not state is the method's own default."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from equigrid.experiments.spec.part import Part

Count = Annotated[int, Field(ge=1)]
AtLeastNone = Annotated[int, Field(ge=0)]
Above0 = Annotated[float, Field(gt=0)]
Gap = Annotated[float, Field(gt=0, lt=1)]


class MethodSettings(Part):
    """Settings of one method, each None where it is not stated."""

    def stated(self) -> dict[str, Any]:
        """Return what the study states, as the method takes it.

        >>> ExactSettings(gap=1e-3).stated()
        {'gap': 0.001}
        """
        return self.model_dump(exclude_none=True)


class ExactSettings(MethodSettings):
    """Settings of `Exact`."""

    gap: Gap | None = None
    node_limit: Count | None = None
    route: Literal["auto", "branching", "milp"] | None = None
    margin: Annotated[float, Field(ge=0)] | None = None
    work_limit: Count | None = None
    ties: bool | None = None


class BestResponseSettings(MethodSettings):
    """Settings of `BestResponse`."""

    rounds: Annotated[int, Field(ge=1, le=10_000)] | None = None
    gap: Gap | None = None
    order: Literal["gauss-seidel", "jacobi"] | None = None
    damping: Annotated[float, Field(gt=0, le=1)] | None = None
    tolerance: Above0 | None = None
    work_limit: Count | None = None


class AdmmSettings(MethodSettings):
    """Settings of `Admm`."""

    rounds: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    tolerance: Above0 | None = None
    dual_tolerance: Above0 | None = None
    rho: Above0 | None = None
    adapt: bool | None = None
    relaxation: Annotated[float, Field(ge=1, lt=2)] | None = None
    memory: AtLeastNone | None = None
    patience: Count | None = None
    silent: Literal["stop", "go on"] | None = None
    compare_up_to: AtLeastNone | None = None
    work_limit: Count | None = None


class Methods(Part):
    """Settings by method."""

    left_out: ClassVar[tuple[str, ...]] = ("exact", "best_response", "admm")

    exact: ExactSettings = ExactSettings()
    best_response: BestResponseSettings = BestResponseSettings()
    admm: AdmmSettings = AdmmSettings()
