"""Finding out by AC power flow that a feeder violates its limits before anybody sells anything."""

from collections.abc import Iterator

import numpy as np

from equigrid.agents.network_operator import NetworkOperator
from equigrid.arrays import BoolArray, FloatArray, IntArray
from equigrid.experiments.frp_aggregator.days import days_of
from equigrid.experiments.frp_aggregator.parties import operator_of
from equigrid.experiments.spec.findings import UnusableInput
from equigrid.experiments.spec.study import Study
from equigrid.experiments.spec.times import step_word
from equigrid.grid.ac import AcViolations
from equigrid.grid.verified_flow import verified_flow

_VOLTAGE_PU, _LOADING_PERCENT = 1e-6, 1e-3


def refuse_violated_feeder(study: Study) -> None:
    """Raise when load alone violates a limit that no output of PV can mend.

    Without PV the flows of each step are the same in all scenarios. PV is there to be curtailed,
    so what holds without it holds. Where it does not, it is looked at again with all that the
    sun gives, scenario by scenario.

    Raises
    ------
    UnusableInput
        Naming the worst bus and the worst branch, their steps, and by how much.
    """
    operator = operator_of(study, days_of(study), ("before",))
    off = _violations(operator, operator.load_mw, operator.load_mvar)
    steps = np.flatnonzero(_violated(off))
    if not steps.size:
        return
    scenarios, length = operator.shape
    columns = (np.arange(scenarios)[:, None] * length + steps).ravel()
    lit = _with_all_sun(operator)[:, columns]
    mended = _violations(operator, lit, operator.scenario_load_mvar()[:, columns])
    # A voltage that is too high without PV is no lower with it, so each limit needs both.
    dark = np.tile(steps, scenarios)
    left = AcViolations(
        np.minimum(off.voltage_pu[:, dark], mended.voltage_pu),
        np.minimum(off.loading_percent[:, dark], mended.loading_percent),
    )
    if findings := list(_told(operator, left, dark)):
        raise UnusableInput(study.finding(("network",), text) for text in findings)


def _with_all_sun(operator: NetworkOperator) -> FloatArray:
    """Return the net load (N, S T) with all PV fed in and no prosumer."""
    net, index = operator.scenario_load_mw(), list(operator.network.buses.index)
    for bus, available in zip(operator.photovoltaic_buses, operator.photovoltaic_mw, strict=True):
        net[index.index(bus)] -= available.ravel()
    return net


def _violations(
    operator: NetworkOperator, load_mw: FloatArray, load_mvar: FloatArray
) -> AcViolations:
    limits = operator.voltage_min_pu, operator.voltage_max_pu
    return verified_flow(operator.network, load_mw, load_mvar, *limits).result.violations(*limits)


def _violated(off: AcViolations) -> BoolArray:
    voltage, loading = off.voltage_pu.max(axis=0), off.loading_percent.max(axis=0)
    return np.asarray((voltage > _VOLTAGE_PU) | (loading > _LOADING_PERCENT))


def _told(operator: NetworkOperator, off: AcViolations, steps: IntArray) -> Iterator[str]:
    """Name what is worst; `steps` are those of the columns, from 0."""
    buses, branches = operator.network.buses.index, operator.network.branches["name"]
    noun = step_word(operator.step_hours)
    looked_at = (
        (off.voltage_pu, _VOLTAGE_PU, "the voltage at bus {}", buses, "{:.4f} p.u. off its limits"),
        (off.loading_percent, _LOADING_PERCENT, "branch {}", branches, "{:.1f} % above its rating"),
    )
    for beyond, allowed, what, names, how in looked_at:
        if not np.isfinite(beyond).all():
            step = steps[np.flatnonzero(~np.isfinite(beyond).all(axis=0))[0]] + 1
            yield f"without prosumers, no power flow can carry the load in {noun} {step}; lower it"
            return
        row, column = np.unravel_index(int(beyond.argmax()), beyond.shape)
        if beyond[row, column] > allowed:
            yield (
                f"the feeder violates its limits without prosumers: in {noun} {steps[column] + 1} "
                f"{what.format(repr(names[row]) if what[0] == 'b' else names[row])} is "
                f"{how.format(beyond[row, column])} in AC; lower the load or widen the limits"
            )
