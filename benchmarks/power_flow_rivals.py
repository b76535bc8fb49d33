"""The same rows by equigrid, power-grid-model, lightsim2grid and pandapower, for power_flow.py.

Each returns seconds and voltages. What a library wants to be handed (its model, its arrays of
loads) is made ready before the clock starts. All hand out voltages, currents and what losses follow
from, lightsim2grid without the latter.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandapower
import power_grid_model as pgm
from power_flow_cases import Case

import equigrid as eg

THREADS = 2
Answer = tuple[float, npt.NDArray[Any]]
Solve = Callable[[Case], Answer]


def equigrid(case: Case) -> Answer:
    """Everything: checks, voltages, currents, losses."""
    begin = time.perf_counter()
    flow = eg.power_flow_batch(case.network, case.load_mw, case.load_mvar, case.closed)
    return time.perf_counter() - begin, flow.voltage_pu


def equigrid_losses(case: Case) -> Answer:
    """Losses and the lowest voltage only."""
    wanted = ("loss_mw", "voltage_min_pu")
    begin = time.perf_counter()
    eg.power_flow_batch(case.network, case.load_mw, case.load_mvar, case.closed, results=wanted)
    return time.perf_counter() - begin, np.empty(0)


def power_grid_model(method: str) -> Solve:
    """Return a batch of power-grid-model by one of its exact methods."""

    def solve(case: Case) -> Answer:
        model, update = _model(case), _update(case)
        begin = time.perf_counter()
        found = model.calculate_power_flow(
            update_data=update,
            threading=THREADS,
            calculation_method=method,
            max_iterations=100,
            continue_on_batch_error=True,
            output_component_types={
                "node": ["u_pu"],
                "line": ["i_from", "i_to", "p_from", "p_to"],
            },
        )
        return time.perf_counter() - begin, found["node"]["u_pu"]

    return solve


def _filled(use: str, kind: str, rows: int = 0, **columns: Any) -> Any:
    shape = (rows, len(columns["id"])) if rows else len(columns["id"])
    array = pgm.initialize_array(use, kind, shape)  # type: ignore[call-overload]
    for name, values in columns.items():
        array[name] = values
    return array


def _model(case: Case) -> Any:
    buses, branches = case.network.buses, case.network.branches
    bus = buses.index.to_numpy()
    state = branches["closed"].to_numpy()
    return pgm.PowerGridModel(
        {
            "node": _filled("input", "node", id=bus, u_rated=buses["vn_kv"] * 1e3),
            "line": _filled(
                "input",
                "line",
                id=_line_ids(case),
                from_node=branches["from_bus"],
                to_node=branches["to_bus"],
                from_status=state,
                to_status=state,
                r1=branches["r_ohm"],
                x1=branches["x_ohm"],
                c1=0.0,
                tan1=0.0,
            ),
            "source": _filled(
                "input",
                "source",
                id=case.network.sources.index + 10**7,
                node=case.network.sources["bus"],
                status=1,
                u_ref=case.network.sources["vm_pu"],
                sk=1e18,
            ),
            "sym_load": _filled(
                "input",
                "sym_load",
                id=bus + 2 * 10**7,
                node=bus,
                status=1,
                type=pgm.LoadGenType.const_power,
                p_specified=0.0,
                q_specified=0.0,
            ),
        }
    )


def _line_ids(case: Case) -> Any:
    return np.arange(len(case.network.branches)) + 10**6


def _update(case: Case) -> dict[str, Any]:
    update = {
        "sym_load": _filled(
            "update",
            "sym_load",
            len(case),
            id=case.network.buses.index + 2 * 10**7,
            p_specified=case.load_mw * 1e6,
            q_specified=case.load_mvar * 1e6,
        )
    }
    if case.closed is not None:
        update["line"] = _filled(
            "update",
            "line",
            len(case),
            id=_line_ids(case),
            from_status=case.closed,
            to_status=case.closed,
        )
    return update


def _pandapower_net(case: Case) -> Any:
    """Return a net of closed lines; lightsim2grid takes open ones for closed."""
    net = case.network.to_pandapower()
    net.line = net.line[net.line["in_service"] & case.network.branches["closed"].to_numpy()]
    net.switch = net.switch.iloc[:0]
    net.load = net.load.iloc[:0]
    loads = {"p_mw": case.load_mw[0], "q_mvar": case.load_mvar[0]}
    pandapower.create_loads(net, net.bus.index, **loads)
    pandapower.runpp(net)
    return net


def lightsim2grid(case: Case) -> Answer:
    """Solve by its injection sweep, Newton's method with KLU."""
    from lightsim2grid.gridmodel import init_from_pandapower  # noqa: PLC0415  optional
    from lightsim2grid.injectionSweep import InjectionSweepCPP  # noqa: PLC0415

    sweep = InjectionSweepCPP(init_from_pandapower(_pandapower_net(case)))
    sweep.nb_thread = THREADS
    begin = time.perf_counter()
    sweep.modify_load_p(case.load_mw)
    sweep.modify_load_q(case.load_mvar)
    sweep.compute(np.ones(len(case.network.buses), complex), 20, 1e-8)
    sweep.compute_flows()
    return time.perf_counter() - begin, np.abs(sweep.get_voltages())


def runpp(case: Case) -> Answer:
    """Run pandapower's power flow row by row, with numba."""
    net, voltage = _pandapower_net(case), []
    begin = time.perf_counter()
    for active, reactive in zip(case.load_mw, case.load_mvar, strict=True):
        net.load["p_mw"], net.load["q_mvar"] = active, reactive
        pandapower.runpp(net, tolerance_mva=1e-8)
        voltage.append(net.res_bus["vm_pu"].to_numpy())
    return time.perf_counter() - begin, np.stack(voltage)
