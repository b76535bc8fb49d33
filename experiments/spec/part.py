"""The base of all models of a study, and checking a document against one."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import numpy as np
import pydantic
from pydantic_core import to_json

from equigrid.experiments.spec.explained import explained
from equigrid.experiments.spec.findings import Document, Finding
from equigrid.experiments.spec.surroundings import Surroundings

M = TypeVar("M", bound=pydantic.BaseModel)


class Part(pydantic.BaseModel):
    """Base of whatever a study is made of: nothing unknown, infinite or converted.

    Defaults are checked like what is stated. Two parts are equal where all their fields are,
    series included. A part never changes.

    Examples
    --------
    >>> class Lot(Part):
    ...     energy_mwh: float
    >>> Lot(energy_mwh=2.0) == Lot(energy_mwh=2.0)
    True
    """

    left_out: ClassVar[tuple[str, ...]] = ()
    """Fields that are not written where they have their default; those that are None never are."""

    model_config = pydantic.ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True
    )

    def __eq__(self, other: object) -> bool:
        """Compare fields, arrays by their values."""
        if type(self) is not type(other):
            return False
        return all(_same(getattr(self, f), getattr(other, f)) for f in type(self).model_fields)

    def __hash__(self) -> int:
        """Return the same number for equal parts."""
        return hash((type(self), self.model_dump_json()))

    @pydantic.model_serializer(mode="wrap")
    def _as_written(self, write: Callable[["Part"], dict[str, Any]]) -> dict[str, Any]:
        """Leave out what a file may leave out as well."""
        written = write(self)
        for name, field in type(self).model_fields.items():
            default = field.get_default(call_default_factory=True)
            optional = default is None or name in self.left_out
            if optional and _same(getattr(self, name), default):
                written.pop(field.alias or name, None)
                written.pop(name, None)
        return written


def _same(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)  # type: ignore[arg-type]
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other


def checked(
    model: type[M], document: Document, around: Surroundings | None = None
) -> tuple[M | None, list[Finding]]:
    """Return what a document says as a model, or what keeps it from being one.

    Parameters
    ----------
    model : type
        A `Part`.
    document : Document
    around : Surroundings, optional
        What its fields are checked against.

    Returns
    -------
    model : Part or None
        None where there are findings.
    findings : list of Finding
        Those of the document first. A place that is wrong there is not told again.
    """
    findings = list(document.findings)
    known = {finding.path for finding in findings}
    try:
        # as JSON, since a strict model takes lists for tuples there and only there
        text = to_json(document.data, inf_nan_mode="constants")
        instance = model.model_validate_json(text, strict=True, context=around)
    except pydantic.ValidationError as error:
        findings += [f for f in explained(error, model, document) if f.path not in known]
        return None, findings
    return (None if findings else instance), findings
