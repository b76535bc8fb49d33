"""from_pandapower, then to_pandapower: the same power flow."""

import numpy as np
import pandapower as pp
import pandapower.networks as pn
import pytest

from equigrid.errors import NetworkError
from equigrid.grid.network.network import Network

CASES = [pn.case33bw, pn.create_cigre_network_mv, pn.create_kerber_vorstadtnetz_kabel_1]
OTHER_CASES = [
    pn.create_cigre_network_lv,
    pn.create_kerber_landnetz_freileitung_1,
    pn.create_kerber_landnetz_freileitung_2,
    pn.create_kerber_landnetz_kabel_1,
    pn.create_kerber_landnetz_kabel_2,
    pn.create_kerber_dorfnetz,
]


def _same_power_flow(net: pp.pandapowerNet) -> None:
    network = Network.from_pandapower(net)
    again = network.to_pandapower()
    assert list(again.bus.index) == list(network.buses.index) == list(net.bus.index)
    for one in (net, again):
        pp.runpp(one, numba=False)
    for column in ("vm_pu", "va_degree"):
        before, after = net.res_bus[column].to_numpy(), again.res_bus[column].to_numpy()
        assert np.array_equal(np.isnan(before), np.isnan(after))
        assert np.nanmax(np.abs(before - after)) < 1e-8
    for table in ("line", "trafo"):
        before = net[f"res_{table}"]["loading_percent"].fillna(0)
        after = again[f"res_{table}"]["loading_percent"].fillna(0)
        assert before.to_numpy() == pytest.approx(after.to_numpy(), abs=1e-6)


def _disturb(net: pp.pandapowerNet, rng: np.random.Generator) -> None:
    for table in ("load", "line"):
        net[table].loc[rng.choice(net[table].index, 2), "in_service"] = False
    net.bus.loc[rng.choice(net.bus.index[2:]), "in_service"] = False
    net.load["scaling"] = rng.uniform(0.5, 1.2, len(net.load))
    net.load["const_z_p_percent"] = rng.uniform(0, 50, len(net.load))
    net.load["const_i_q_percent"] = rng.uniform(0, 50, len(net.load))
    net.line["parallel"] = rng.integers(1, 3, len(net.line))
    net.line["df"] = 0.9
    net.line["g_us_per_km"] = 1.0
    net.switch["closed"] = rng.integers(0, 2, len(net.switch)).astype(bool)
    for bus in rng.choice(net.bus.index, 3):
        pp.create_sgen(net, bus, p_mw=0.01, q_mvar=0.002, scaling=rng.uniform())
        pp.create_shunt(net, bus, q_mvar=-0.01, p_mw=0.001, step=2, max_step=2)
    for line in rng.choice(net.line.index, 3):
        end = net.line.at[line, rng.choice(["from_bus", "to_bus"])]
        pp.create_switch(net, end, line, et="l", closed=bool(rng.integers(2)))
    last = net.bus.index[-1]
    far = pp.create_bus(net, vn_kv=net.bus.at[last, "vn_kv"], index=5000)
    pp.create_switch(net, last, far, et="b", z_ohm=float(rng.choice([0.0, 0.01])))
    pp.create_load(net, far, p_mw=0.01)
    _move_taps(net, rng)


def _move_taps(net: pp.pandapowerNet, rng: np.random.Generator) -> None:
    if net.trafo.empty:
        return
    net.trafo["tap_side"] = str(rng.choice(["hv", "lv"]))
    net.trafo["tap_neutral"], net.trafo["tap_step_percent"] = 0.0, 2.0
    net.trafo["tap_pos"] = rng.integers(-2, 3, len(net.trafo)).astype(float)
    net.trafo["tap_changer_type"] = str(rng.choice(["Ratio", "Symmetrical"]))
    trafo = int(rng.choice(net.trafo.index[-1:]))
    if rng.integers(2) and len(net.trafo) > 1:
        pp.create_switch(net, net.trafo.at[trafo, "lv_bus"], trafo, et="t", closed=False)


@pytest.mark.parametrize(
    "case",
    [
        CASES[1],
        *(
            pytest.param(case, marks=pytest.mark.slow)
            for case in [CASES[0], CASES[2], *OTHER_CASES]
        ),
    ],
)
def test_as_shipped(case: pn.case33bw) -> None:
    net = case()
    assert Network.from_pandapower(net).is_radial()
    _same_power_flow(net)


def test_loops_when_every_switch_is_closed() -> None:
    net = pn.create_cigre_network_mv()
    net.switch["closed"] = True
    findings = Network.from_pandapower(net).radial_findings()
    assert ["A loop runs over" in finding for finding in findings] == [True] * 3
    _same_power_flow(net)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", CASES[:2])
def test_disturbed(case: pn.case33bw, seed: int) -> None:
    net = case()
    _disturb(net, np.random.default_rng(seed))
    _same_power_flow(net)


@pytest.mark.slow
def test_disturbed_low_voltage() -> None:
    net = CASES[2]()
    _disturb(net, np.random.default_rng(5))
    _same_power_flow(net)


@pytest.mark.slow
@pytest.mark.smoke
def test_ties_and_half_open_lines() -> None:
    net = pn.create_cigre_network_mv()
    branches = Network.from_pandapower(net).branches
    opened = net.switch[~net.switch["closed"] & (net.switch["et"] == "l")]["element"]
    lines = branches[branches["kind"] == "line"].set_index("element")
    assert set(lines.index[~lines["closed"]]) == set(opened)
    assert lines.loc[list(opened), "in_service"].all(), "their charging stays"
    ends = lines.loc[list(opened), ["from_closed", "to_closed"]].sum(axis=1)
    assert (ends == 1).all(), "open at one end only"
    assert not Network.from_pandapower(pn.case33bw()).branches["closed"].iloc[32:].any()


def test_bus_numbers_and_order_are_kept() -> None:
    net = pp.create_empty_network(name="odd numbers", f_hz=60, sn_mva=3)
    for number in (40, 3, 17):
        pp.create_bus(net, vn_kv=10, index=number)
    pp.create_ext_grid(net, 17, vm_pu=1.01)
    pp.create_line_from_parameters(net, 17, 40, 2, 0.1, 0.1, 10, 0.3, index=9, name="a", df=0.5)
    pp.create_line_from_parameters(net, 40, 3, 3, 0.1, 0.1, 10, np.nan, index=4, name="a")
    pp.create_load(net, 3, p_mw=1, q_mvar=0.5)
    network = Network.from_pandapower(net)
    assert list(network.buses.index) == [40, 3, 17]
    assert list(network.branches["name"]) == ["a (line 9)", "a (line 4)"]
    assert list(network.branches["rating_ka"]) == [0.15, np.inf]
    assert (network.name, network.f_hz, network.base_mva) == ("odd numbers", 60, 3)
    net.line["max_i_ka"] = [0.3, 99999.0]
    _same_power_flow(net)


@pytest.mark.slow
def test_foreign_tables_are_refused_all_at_once() -> None:
    net = pn.case33bw()
    pp.create_gen(net, 3, p_mw=0.1)
    pp.create_storage(net, 4, p_mw=0.1, max_e_mwh=1)
    with pytest.raises(NetworkError) as caught:
        Network.from_pandapower(net)
    assert [name for name in ("'gen'", "'storage'") if name in str(caught.value)] == [
        "'gen'",
        "'storage'",
    ]
    assert len(caught.value.findings) == 2


def test_foreign_settings_are_refused() -> None:
    net = pn.create_cigre_network_mv()
    net.trafo.loc[0, "tap_dependency_table"] = True
    pp.create_shunt(net, 3, q_mvar=0.1, step_dependency_table=True, id_characteristic_table=0)
    net.switch.loc[0, "bus"] = 1
    net.switch.loc[1, "element"] = 77
    with pytest.raises(NetworkError) as caught:
        Network.from_pandapower(net)
    text = str(caught.value)
    assert len(caught.value.findings) == 4
    for fragment in ("trafo 0", "shunt 0", "switch 0 stands at bus 1", "l 77, which does not"):
        assert fragment in text


@pytest.mark.slow
def test_cost_and_results_are_ignored() -> None:
    net = pn.case33bw()
    assert len(net.poly_cost)
    pp.runpp(net, numba=False)
    assert len(Network.from_pandapower(net).branches) == 37
