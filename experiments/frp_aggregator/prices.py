"""Prices at every bus, and what they are made of, A(62)-A(64)."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from equigrid.arrays import FloatArray
from equigrid.experiments.frp_aggregator.parties import PRODUCTS, one
from equigrid.experiments.frp_aggregator.schema import Market
from equigrid.markets.equilibrium import Equilibrium
from equigrid.markets.model.sources import Dual

if TYPE_CHECKING:
    from equigrid.experiments.frp_aggregator.case_parties import FrpAggregator

# Part of a price by the equation of the constraint that brings it.
PARTS = ("energy", "loss", "voltage", "congestion")
_PART_OF = {22: "energy", 24: "loss", **dict.fromkeys((27, 28, 29), "voltage")}
_PART_OF |= dict.fromkeys((31, 32, 33), "congestion")
# Limits after delivery, and the sign with which they enter the price of a product: what is
# delivered upward lowers the load that they see, what is delivered downward raises it.
_OF_PRODUCT = {"up": (28, 32), "down": (29, 33)}
_SIGN = {"up": 1.0, "down": -1.0}


def bus_prices(system: "FrpAggregator", outcome: Equilibrium) -> dict[str, FloatArray]:
    """Return the price of each product at every bus with its parts, per MWh, (N, S T) each.

    Of energy: `energy_price_per_mwh` and `energy_PART_per_mwh`. Of the products, which are sold:
    `up_price_per_mwh`, `up_voltage_per_mwh`, `up_congestion_per_mwh`, and so for down.
    """
    by_equation = _by_equation(system, outcome)
    size = system.operator.scenario_load_mw().shape
    parts = {part: np.zeros(size) for part in PARTS}
    for equation, value in by_equation.items():
        parts[_PART_OF[equation]] = parts[_PART_OF[equation]] + value
    by_name = {"energy_price_per_mwh": np.sum(list(parts.values()), axis=0)}
    by_name |= {f"energy_{part}_per_mwh": value for part, value in parts.items()}
    market = one(system.spec, Market)
    for product, equations in _OF_PRODUCT.items():
        given = np.tile(getattr(market, f"{product}_price_per_mwh"), system.operator.shape[0])
        limits = [_SIGN[product] * by_equation.get(e, np.zeros(size)) for e in equations]
        by_name[f"{product}_price_per_mwh"] = given + np.sum(limits, axis=0)
        for part, value in zip(("voltage", "congestion"), limits, strict=True):
            by_name[f"{product}_{part}_per_mwh"] = value
    return by_name


def _by_equation(system: "FrpAggregator", outcome: Equilibrium) -> dict[int, FloatArray]:
    """Return the parts of the price of energy by the number of the equation behind them."""
    by_name: dict[int, FloatArray] = {}
    for label, value in outcome.parts(Dual(f"{system.operator.name}.load_mw")).items():
        number = int(re.findall(r"A\((\d+)\)", label)[0])
        by_name[number] = by_name.get(number, np.zeros(value.shape)) + value
    return by_name


def paid_prices(
    system: "FrpAggregator", values: Mapping[str, FloatArray], prosumer: str
) -> dict[str, FloatArray]:
    """Return the duals at which a prosumer pays for energy and is paid for products, (S, T)."""
    duals = {
        product: values[Dual(f"{system.operator.name}.{prosumer}_{said}_mw")]
        for product, said in PRODUCTS.items()
    }
    signs = {"energy": 1.0, "up": -1.0, "down": -1.0}
    return {f"{p}_price_per_mwh": signs[p] * dual for p, dual in duals.items()}


def parts_residual(system: "FrpAggregator", outcome: Equilibrium) -> float:
    """Return how far parts are from the duals that prosumers pay and are paid at, per MWh."""
    return float(residuals(system, outcome)["residual_per_mwh"].max())


def residuals(system: "FrpAggregator", outcome: Equilibrium) -> pd.DataFrame:
    """Return the greatest distance of parts from the dual, by prosumer and product."""
    at_bus, index = bus_prices(system, outcome), list(system.study.feeder.buses.index)
    records = []
    for prosumer, bus in system.operator.prosumer_buses.items():
        paid = paid_prices(system, outcome.values, prosumer)
        for product in PRODUCTS:
            name = f"{product}_price_per_mwh"
            off = np.abs(at_bus[name][index.index(bus)] - np.ravel(paid[name])).max()
            records.append((prosumer, product, float(off)))
    return pd.DataFrame(records, columns=["prosumer", "product", "residual_per_mwh"])
