"""The feeder in operation: AC power flow of a stage's loads, held against its limits."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from equigrid.arrays import BoolArray, FloatArray
from equigrid.experiments.spec.study import StudyCase
from equigrid.grid.ac import AcViolations
from equigrid.grid.network.network import Network
from equigrid.grid.verified_flow import VerifiedFlow, verified_flow
from equigrid.markets.certification.ac_findings import AcFindings


@dataclass(frozen=True, eq=False)
class Operation:
    """AC power flow of N buses and B branches in C columns, such as steps of scenarios.

    Attributes
    ----------
    load_mw, load_mvar : array (N, C)
        Net consumption.
    voltage_pu : array (N, C)
        NaN at buses that nothing feeds.
    active_mw : array (B, C)
        Into each branch at its `from_bus`; negative where power comes out there.
    current_ka, loading_percent : array (B, C)
        Of the larger of the two ends.
    loss_mw : array (C,)
    unsupplied : array of bool (N, C)
        Buses that nothing feeds.
    converged : array of bool (C,)
        Columns that did not converge hold NaN everywhere else.
    enforced : array of bool (C,)
        Columns in which limits have to hold.
    linear_voltage_pu : array (N, C) or None
        Of a linear network, to be compared.
    judged : array of bool (C,)
        Where pandapower was asked beside the batch.
    required : str
        ``enforce`` or ``report``.
    limits_pu : pair of float
        Of voltages.
    difference_pu : float or None
        Between the two power flows; None where there is only one.
    axes : tuple of str
        What the axes of `load_mw` are.
    """

    load_mw: FloatArray
    load_mvar: FloatArray
    voltage_pu: FloatArray
    active_mw: FloatArray
    current_ka: FloatArray
    loading_percent: FloatArray
    loss_mw: FloatArray
    unsupplied: BoolArray
    converged: BoolArray
    enforced: BoolArray
    linear_voltage_pu: FloatArray | None
    judged: BoolArray
    required: str
    limits_pu: tuple[float, float]
    difference_pu: float | None = None
    axes: tuple[str, ...] = ("bus", "step")

    @property
    def findings(self) -> AcFindings:
        """What is found where limits have to hold, or everywhere where they are reported only."""
        # Columns that do not converge have no voltage; that they exist is told beside.
        asked, off = self.converged & self.enforced, self.violations()
        return AcFindings(
            required=self.required,
            converged=bool(self.converged.all()),
            max_voltage_violation_pu=float(off.voltage_pu[:, asked].max(initial=0.0)),
            max_loading_violation_percent=float(off.loading_percent[:, asked].max(initial=0.0)),
            max_linear_voltage_error_pu=self._linear_error(asked),
            columns=len(asked),
            judged_columns=int(np.count_nonzero(self.judged)),
            max_route_difference_pu=self.difference_pu,
            max_unsupplied_mw=float(self.unsupplied_mw.max(initial=0.0)),
        )

    def violations(self) -> AcViolations:
        """Measure voltages against the limits, and loadings against the ratings."""
        low, high = self.limits_pu
        beyond = np.maximum(low - self.voltage_pu, self.voltage_pu - high)
        voltage = np.where(self.unsupplied, 0.0, beyond).clip(min=0)
        loading = (self.loading_percent - 100).clip(min=0)
        return AcViolations(
            np.where(self.converged, voltage, np.inf), np.where(self.converged, loading, np.inf)
        )

    @property
    def unsupplied_mw(self) -> FloatArray:
        """Load at buses that nothing feeds (C,)."""
        return np.asarray((np.maximum(self.load_mw, 0.0) * self.unsupplied).sum(axis=0))

    def _linear_error(self, asked: BoolArray) -> float | None:
        if self.linear_voltage_pu is None:
            return None
        off = np.abs(self.linear_voltage_pu - self.voltage_pu)[:, asked]
        return float(np.nan_to_num(off).max(initial=0.0))


def operated(
    network: Network,
    case: StudyCase,
    loads: tuple[ArrayLike, ArrayLike],
    *,
    axes: Sequence[str] = ("bus", "step"),
    enforced: ArrayLike | None = None,
    branch_closed: ArrayLike | None = None,
    ac: str | None = None,
    linear_voltage_pu: ArrayLike | None = None,
    parts: ArrayLike | None = None,
) -> Operation:
    """Run AC power flow of loads (N, C); parameters are those of `World.operate`."""
    active, reactive = _tables(network, loads)
    columns = active.shape[1]
    required = case.ac if ac is None else ac
    if required not in ("enforce", "report"):
        raise ValueError(f"ac must be 'enforce' or 'report' (got {ac!r})")
    said = case.spec.network
    assert said is not None
    limits = said.voltage_min_pu, said.voltage_max_pu
    flow = verified_flow(network, active, reactive, *limits, parts, branch_closed=branch_closed)
    linear = None if linear_voltage_pu is None else np.asarray(linear_voltage_pu, float)
    if linear is not None and linear.shape != active.shape:
        raise ValueError(f"linear_voltage_pu has shape {linear.shape}, the loads {active.shape}")
    return Operation(
        active,
        reactive,
        **_flows(flow),
        enforced=_columns(enforced, columns),
        linear_voltage_pu=linear,
        judged=flow.judged,
        required=required,
        limits_pu=limits,
        difference_pu=flow.difference_pu,
        axes=tuple(axes),
    )


def _tables(network: Network, loads: tuple[ArrayLike, ArrayLike]) -> tuple[FloatArray, FloatArray]:
    """Return both loads as (N, C); loads of one column may be (N,)."""
    tables = [np.asarray(load, float) for load in loads]
    tables = [load[:, None] if load.ndim == 1 else load for load in tables]
    for name, table in zip(("load_mw", "load_mvar"), tables, strict=True):
        if table.ndim != 2 or len(table) != len(network.buses):
            raise ValueError(
                f"{name} has shape {table.shape}: give a row for each of the "
                f"{len(network.buses)} buses, as World.at_buses does"
            )
    return tables[0], tables[1]


def _flows(flow: VerifiedFlow) -> dict[str, Any]:
    result = flow.result
    names = ("active_mw", "current_ka", "loading_percent", "loss_mw", "unsupplied", "converged")
    voltage = np.where(result.unsupplied, np.nan, result.voltage_pu)
    return {"voltage_pu": voltage, **{name: getattr(result, name) for name in names}}


def _columns(enforced: ArrayLike | None, columns: int) -> BoolArray:
    if enforced is None:
        return np.ones(columns, bool)
    asked = np.asarray(enforced)
    if asked.shape != (columns,) or asked.dtype != bool:
        raise ValueError(
            f"enforced has shape {asked.shape} and holds {asked.dtype}: give true or false for "
            f"each of {columns} columns"
        )
    return asked


_BY_COLUMN = {
    "load_mw", "load_mvar", "voltage_pu", "active_mw", "current_ka", "loading_percent", "loss_mw",
    "unsupplied", "converged", "enforced", "judged",
}  # fmt: skip


def side_by_side(operations: Sequence[Operation]) -> Operation:
    """Return several operations of one stage as one, the columns of each behind the last's."""
    if len(operations) == 1:
        return operations[0]
    together: dict[str, Any] = {f.name: getattr(operations[-1], f.name) for f in fields(Operation)}
    for name in _BY_COLUMN:
        together[name] = np.concatenate([getattr(one, name) for one in operations], axis=-1)
    linear = [one.linear_voltage_pu for one in operations]
    known = [table for table in linear if table is not None]
    together["linear_voltage_pu"] = (
        np.concatenate(known, axis=-1) if len(known) == len(linear) else None
    )
    # A column whose limits are only reported is never enforced by the stage as a whole.
    if any(one.required == "enforce" for one in operations):
        together["required"] = "enforce"
        together["enforced"] = np.concatenate(
            [one.enforced & (one.required == "enforce") for one in operations]
        )
    apart = [one.difference_pu for one in operations if one.difference_pu is not None]
    together["difference_pu"] = max(apart) if apart else None
    return Operation(**together)
