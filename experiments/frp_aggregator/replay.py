"""What a replay can rebuild of paper A's cases: offers, prices told, bills, and who pays whom."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from equigrid.arrays import FloatArray
from equigrid.experiments.logged_run import LoggedRun, close
from equigrid.markets.messaging.messages import FinalSignal

Tables = dict[str, pd.DataFrame]
_PRODUCTS = {"energy": "import", "up": "up", "down": "down"}


def _offered(told: LoggedRun) -> dict[str, FloatArray]:
    """Return what the aggregator ordered of each prosumer, (S, T), by name of the quantity."""
    signals = [m for m in told.final if isinstance(m, FinalSignal)]
    return {name: np.asarray(value, float) for m in signals for name, value in m.values.items()}


def _prosumers(tables: Tables) -> list[str]:
    return [str(name) for name in tables["offers"]["prosumer"].unique()]


def told_kpis(told: LoggedRun, tables: Tables) -> dict[str, float]:
    """Rebuild costs from what was told and the duals in the tables, which nobody is told."""
    bills, offered, hours = _bills(told, tables), _offered(told), told.step_hours
    chance, worst = (tables["bills"][c].to_numpy() for c in ("probability", "worst_probability"))
    energy, income = bills["energy"], -(bills["up"] + bills["down"])
    sold = {
        product: hours * sum(offered[f"{p}_{product}_mw"].sum(axis=1) for p in _prosumers(tables))
        for product in ("up", "down")
    }
    return {
        "energy_cost": float(chance @ energy),
        "frp_revenue": float(chance @ income),
        "expected_total_cost": float(chance @ (energy - income)),
        "worst_case_total_cost": float(worst @ (energy - income)),
        **{f"frp_{product}_mwh": float(chance @ amount) for product, amount in sold.items()},
    }


def _bills(told: LoggedRun, tables: Tables) -> dict[str, FloatArray]:
    """Return what is owed in each scenario: told quantities at the prices of the tables."""
    offered, by_name = _offered(told), {}
    for product, said in _PRODUCTS.items():
        sign = 1.0 if product == "energy" else -1.0
        owed = [
            price * offered[f"{prosumer}_{said}_mw"]
            for prosumer, price in _prices(tables, f"{product}_price_per_mwh").items()
        ]
        by_name[product] = sign * told.step_hours * np.sum(owed, axis=(0, 2))
    return by_name


def _prices(tables: Tables, column: str) -> dict[str, FloatArray]:
    """Return a price that each prosumer meets, (S, T)."""
    return {
        str(prosumer): rows.pivot_table(index="scenario", columns="step", values=column).to_numpy()
        for prosumer, rows in tables["offers"].groupby("prosumer", sort=False)
    }


def told_differences(told: LoggedRun, tables: Tables) -> Iterator[str]:
    """Yield what offers, prices and payments do not agree on."""
    offered = _offered(told)
    for prosumer, rows in tables["offers"].groupby("prosumer", sort=False):
        for said in ("import_mw", "up_mw", "down_mw"):
            if not close(np.ravel(offered[f"{prosumer}_{said}"]), rows[said]):
                yield f"{said} of '{prosumer}' differs from the final signal"
    for name, value in told.announced().items():
        table = tables["prices"].get(name)
        if table is not None and not close(value, table):
            yield f"{name} differs from what was announced"
    yield from _settled(told, tables)
    yield from _owed(told, tables)


def _settled(told: LoggedRun, tables: Tables) -> Iterator[str]:
    """Compare each payment with quantity × price of the tables × hours, over all scenarios."""
    offered = _offered(told)
    for product, said in _PRODUCTS.items():
        hours = told.step_hours if product == "energy" else -told.step_hours
        for prosumer, price in _prices(tables, f"{product}_price_per_mwh").items():
            bill = f"{product}-{prosumer}"
            amount = hours * float((price * offered[f"{prosumer}_{said}_mw"]).sum())
            if not close(amount, told.settlement().get(bill, np.nan)):
                yield f"payment '{bill}' is not price × quantity"


def _owed(told: LoggedRun, tables: Tables) -> Iterator[str]:
    for product, amount in _bills(told, tables).items():
        if not close(amount, tables["bills"][f"{product}_bill"]):
            yield f"bills of {product} by scenario are not price × quantity"
