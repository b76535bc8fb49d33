"""What a replay can rebuild of paper E's cases: the Disco's figures, prices, and the rounds."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from equigrid.arrays import FloatArray
from equigrid.experiments.logged_run import LoggedRun, close
from equigrid.markets.messaging.messages import FinalSignal, Response, Settlement, Signal

Tables = dict[str, pd.DataFrame]


def told_kpis(told: LoggedRun, tables: Tables) -> dict[str, float]:
    """Return KPIs from what was told, and private ones from the tables."""
    return {**_told_kpis(told), **_private_kpis(told.step_hours, tables)}


def told_differences(told: LoggedRun, tables: Tables) -> Iterator[str]:
    """Yield what prices, schedules and rounds do not agree on."""
    yield from _series(told, tables)
    yield from _rounds(told, tables)


def _told_kpis(told: LoggedRun) -> dict[str, float]:
    said, leader = told.schedules(), told.leader
    purchase, hours = said[leader, "purchase_mw"], told.step_hours
    rise = np.diff(purchase) / hours
    bills = told.bills()
    received = sum(bill.amount for bill in bills if bill.receiver == leader)
    paid = sum(bill.amount for bill in bills if bill.sender == leader)
    imports = [value.sum() for (_, name), value in said.items() if name == "import_mw"]
    return {
        "disco_profit": received - paid,
        "microgrid_import_mwh": hours * float(sum(imports)),
        "wholesale_energy_mwh": hours * float(purchase.sum()),
        "max_ramp_up_mw_per_h": float(max(rise.max(), 0.0)),
        "max_ramp_down_mw_per_h": float(max(-rise.min(), 0.0)),
        "ramp_penalty": told.settlement()["ramp-penalty"],
        "interrupted_energy_mwh": hours * float(said[leader, "interruption_order_mw"].sum()),
        "disco_dg_energy_mwh": float(said[leader, "generator_order_mwh"].sum()),
    }


def _series(told: LoggedRun, tables: Tables) -> Iterator[str]:
    """Compare prices, purchase and imports step by step."""
    final = next(m for m in reversed(told.final) if isinstance(m, FinalSignal))
    price, said = np.asarray(final.values["price_per_mwh"]), told.schedules()
    if not close(price, tables["prices"]["exchange_price_per_mwh"]):
        yield "exchange prices differ from the final signal"
    for name, value in told.announced().items():
        table = tables["prices"].get(name)
        if table is not None and not close(value, table.to_numpy()[-len(value) :]):
            yield f"{name} differs from what was announced"
    if not close(said[told.leader, "purchase_mw"], tables["purchase"]["purchase_mw"]):
        yield "the purchase differs from the schedule sent"
    for site, table in tables["microgrids"].groupby("microgrid"):
        sent = said.get((str(site), "import_mw"))
        if sent is None or not close(sent, table["import_mw"]):
            yield f"imports of '{site}' differ from the schedule sent"


def _rounds(told: LoggedRun, tables: Tables) -> Iterator[str]:
    """Compare announced prices and the number of new answers, round by round."""
    prices: dict[int, FloatArray] = {}
    fresh: dict[int, int] = {}
    heard: dict[str, list[tuple[FloatArray, float]]] = {}
    for message in told.messages:
        if isinstance(message, Signal):
            prices[message.round] = np.asarray(message.values["price_per_mwh"])
        if isinstance(message, Response) and message.own_cost is not None:
            answer = (np.asarray(message.values["import_mw"]), message.own_cost)
            known = heard.setdefault(message.sender, [])
            new = _is_new(told.step_hours * prices[message.round], known, answer)
            fresh[message.round] = fresh.get(message.round, 0) + new
            known += [answer] if new else []
    if _failed(told) and not len(tables["rounds"]):
        return  # there are no rounds to compare, only what was sent until then
    announced, table = np.concatenate([np.zeros(0), *prices.values()]), tables["round_prices"]
    left_out = {entry.round for entry in told.left_out}
    if not close(announced, table[~table["round"].isin(left_out)]["exchange_price_per_mwh"]):
        yield "announced prices differ from the signals"
    if left_out:
        return  # what is new depends on all that was answered before
    if list(fresh.values()) != tables["rounds"]["new_answers"].tolist():
        yield "the number of new answers differs from the responses"


def _failed(told: LoggedRun) -> bool:
    """Whether a negotiation was begun and came to no outcome, which would have been settled."""
    talks = {m.stage for m in told.messages if isinstance(m, Signal)}
    talks |= {entry.stage for entry in told.left_out}
    settled = {m.stage for m in told.messages if isinstance(m, Settlement)}
    return bool(talks - settled)


def _private_kpis(hours: float, tables: Tables) -> dict[str, float]:
    """Figures of what a microgrid tells nobody, from the tables and the hours of a step."""
    sites = tables["microgrids"]
    own = sites[["generator_mw", "photovoltaic_mw", "interrupted_mw", "discharge_mw"]]
    by_name = {"microgrid_der_energy_mwh": hours * float(own.to_numpy().sum())}
    owed = tables["settlement"].set_index("payment")["amount"]
    bids = tables["bids"].pivot(index=["microgrid", "step"], columns="resource")["bid_per_mwh"]
    for site, table in sites.groupby("microgrid"):
        used = table.set_index("step")[["generator_mw", "interrupted_mw"]].to_numpy()
        price = bids.loc[site][["generator", "interruptible"]].to_numpy()
        own_cost = hours * float((used * price).sum())
        by_name[f"microgrid_cost.{site}"] = own_cost + float(owed.get(f"bill-{site}", 0.0))
    return by_name


def kpi_differences(reported: Mapping[str, Any]) -> list[str]:
    """Compare the profit forgone with the profits of the cases."""
    profits = {case: kpis["disco_profit"]["value"] for case, kpis in reported.items()}
    free = [case for case, kpis in reported.items() if "profit_forgone" not in kpis]
    return [
        f"{case}: profit_forgone is not the difference of the profits"
        for case, kpis in reported.items()
        if "profit_forgone" in kpis and free
        if not close(kpis["profit_forgone"]["value"], profits[free[0]] - profits[case])
    ]


def _is_new(
    price_per_mw: FloatArray,
    known: Sequence[tuple[FloatArray, float]],
    answer: tuple[FloatArray, float],
) -> bool:
    costs = [own_cost + float(price_per_mw @ bought) for bought, own_cost in [*known, answer]]
    best = min(costs[:-1], default=np.inf)
    moved = abs(answer[1]) + abs(float(price_per_mw @ answer[0]))  # as the negotiation measures it
    return costs[-1] < best - 1e-9 * moved
