"""Rebuilding a bargaining from its messages alone, and comparing with what was reported."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from equigrid.markets.mailroom import digest, read_log
from equigrid.markets.messages import (
    Announcement,
    FlexOffer,
    FlexOrder,
    FlexRequest,
    FlexSettlement,
    Message,
    Schedule,
)

Vector = NDArray[np.float64]
_CLOSE = 1e-6
_TABLES = ("settlement", "prices", "purchase", "microgrids", "bids", "round_prices", "rounds")


class UnusableResult(ValueError):
    """A directory that holds no readable result; the message says which file is at fault."""


def replay(directory: Path) -> list[str]:
    """Rebuild every case from ``messages.jsonl`` and return what differs, nothing if equal.

    Parameters
    ----------
    directory : Path
        Of a result.

    Raises
    ------
    UnusableResult
        When a file is missing or is not what a run writes.
    """
    try:
        messages = read_log(directory / "messages.jsonl")
        summary = json.loads((directory / "summary.json").read_text(encoding="utf-8"))
        manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
        tables = {n: pd.read_parquet(directory / "tables" / f"{n}.parquet") for n in _TABLES}
        reported = {case: c["kpis"] for case, c in summary["cases"].items()}
        digests = dict(manifest["messages_sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnusableResult(f"{directory} holds no complete result: {error}") from error
    found = []
    for case, kpis in reported.items():
        own = [message for message in messages if message.case == case]
        of_case = {n: t[t["case"] == case] if "case" in t else t for n, t in tables.items()}
        found += [f"{case}: {text}" for text in _Rebuilt(own).differences(kpis, of_case)]
        if digests.get(case) != digest(own):
            found.append(f"{case}: the messages are not those that the manifest vouches for")
    told = {message.case for message in messages}
    found += _forgone(reported)
    return found + [f"{case}: in the messages only" for case in sorted(told - set(reported))]


class _Rebuilt:
    """One case, as its messages tell it."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages
        orders = [message for message in messages if isinstance(message, FlexOrder)]
        self.stage = orders[-1].stage if orders else ""
        self.leader = orders[-1].sender if orders else ""
        self.final = [message for message in messages if message.stage == self.stage]

    def differences(self, kpis: dict[str, Any], tables: dict[str, pd.DataFrame]) -> Iterator[str]:
        """Yield a sentence for each figure that does not agree."""
        if not self.stage:
            yield "no final order among the messages"
            return
        for name, value in {**self._kpis(), **_private_kpis(tables)}.items():
            if name in kpis and not _close(value, kpis[name]["value"]):
                yield f"{name} is {kpis[name]['value']!r}, the messages say {value!r}"
        owed = tables["settlement"].set_index("payment")["amount"].to_dict()
        if self._settlement().keys() != owed.keys():
            yield "the settlement lists other payments than the messages"
        for name, amount in self._settlement().items():
            if name in owed and not _close(amount, owed[name]):
                yield f"payment '{name}' is {owed[name]!r}, the messages say {amount!r}"
        yield from self._series(tables)
        yield from self._rounds(tables)

    def _settlement(self) -> dict[str, float]:
        bills = [message for message in self.final if isinstance(message, FlexSettlement)]
        return {bill.payment: bill.amount for bill in bills}

    def _schedules(self) -> dict[tuple[str, str], Vector]:
        """Final quantities by sender and name."""
        return {
            (message.sender, name): np.asarray(value, dtype=float)
            for message in self.final
            if isinstance(message, Schedule)
            for name, value in message.values.items()
        }

    def _announced(self) -> dict[str, Vector]:
        """Published prices by name; a ramp has one hour less than the day."""
        return {
            name: np.atleast_1d(np.asarray(value, dtype=float))
            for message in self.messages
            if isinstance(message, Announcement)
            for name, value in message.values.items()
        }

    def _kpis(self) -> dict[str, float]:
        said, leader = self._schedules(), self.leader
        purchase = said[leader, "purchase_mw"]
        rise = np.diff(purchase)
        bills = [message for message in self.final if isinstance(message, FlexSettlement)]
        received = sum(bill.amount for bill in bills if bill.receiver == leader)
        paid = sum(bill.amount for bill in bills if bill.sender == leader)
        imports = [value.sum() for (_, name), value in said.items() if name == "import_mw"]
        return {
            "disco_profit": received - paid,
            "microgrid_import_mwh": float(sum(imports)),
            "wholesale_energy_mwh": float(purchase.sum()),
            "max_ramp_up_mw_per_h": float(max(rise.max(), 0.0)),
            "max_ramp_down_mw_per_h": float(max(-rise.min(), 0.0)),
            "ramp_penalty": self._settlement()["ramp-penalty"],
            "interrupted_energy_mwh": float(said[leader, "interruption_order_mw"].sum()),
            "disco_dg_energy_mwh": float(said[leader, "generator_order_mwh"].sum()),
        }

    def _series(self, tables: dict[str, pd.DataFrame]) -> Iterator[str]:
        """Compare prices, purchase and imports hour by hour."""
        order = next(m for m in reversed(self.final) if isinstance(m, FlexOrder))
        price, said = np.asarray(order.values["price_per_mwh"]), self._schedules()
        if not _close(price, tables["prices"]["exchange_price_per_mwh"]):
            yield "exchange prices differ from the final order"
        for name, value in self._announced().items():
            table = tables["prices"].get(name)
            if table is not None and not _close(value, table.to_numpy()[-len(value) :]):
                yield f"{name} differs from what was announced"
        if not _close(said[self.leader, "purchase_mw"], tables["purchase"]["purchase_mw"]):
            yield "the purchase differs from the schedule sent"
        for site, table in tables["microgrids"].groupby("microgrid"):
            sent = said.get((str(site), "import_mw"))
            if sent is None or not _close(sent, table["import_mw"]):
                yield f"imports of '{site}' differ from the schedule sent"

    def _rounds(self, tables: dict[str, pd.DataFrame]) -> Iterator[str]:
        """Compare announced prices and the number of new answers, round by round."""
        prices: dict[int, Vector] = {}
        fresh: dict[int, int] = {}
        heard: dict[str, list[tuple[Vector, float]]] = {}
        for message in self.messages:
            if isinstance(message, FlexRequest):
                prices[message.round] = np.asarray(message.values["price_per_mwh"])
            if isinstance(message, FlexOffer):
                answer = (np.asarray(message.values["import_mw"]), message.own_cost)
                known = heard.setdefault(message.sender, [])
                new = _is_new(prices[message.round], known, answer)
                fresh[message.round] = fresh.get(message.round, 0) + new
                known += [answer] if new else []
        announced = np.concatenate([np.zeros(0), *prices.values()])
        if not _close(announced, tables["round_prices"]["exchange_price_per_mwh"]):
            yield "announced prices differ from the requests"
        if list(fresh.values()) != tables["rounds"]["new_answers"].tolist():
            yield "the number of new answers differs from the offers"


def _private_kpis(tables: dict[str, pd.DataFrame]) -> dict[str, float]:
    """Figures of what a microgrid tells nobody, from the tables alone."""
    sites = tables["microgrids"]
    own = sites[["generator_mw", "photovoltaic_mw", "interrupted_mw", "discharge_mw"]]
    found = {"microgrid_der_energy_mwh": float(own.to_numpy().sum())}
    owed = tables["settlement"].set_index("payment")["amount"]
    bids = tables["bids"].pivot(index=["microgrid", "hour"], columns="resource")["bid_per_mwh"]
    for site, table in sites.groupby("microgrid"):
        used = table.set_index("hour")[["generator_mw", "interrupted_mw"]].to_numpy()
        price = bids.loc[site][["generator", "interruptible"]].to_numpy()
        own_cost = float((used * price).sum())
        found[f"microgrid_cost.{site}"] = own_cost + float(owed.get(f"bill-{site}", 0.0))
    return found


def _forgone(reported: dict[str, Any]) -> list[str]:
    """Compare the profit forgone with the profits of the cases."""
    profits = {case: kpis["disco_profit"]["value"] for case, kpis in reported.items()}
    free = [case for case, kpis in reported.items() if "profit_forgone" not in kpis]
    return [
        f"{case}: profit_forgone is not the difference of the profits"
        for case, kpis in reported.items()
        if "profit_forgone" in kpis and free
        if not _close(kpis["profit_forgone"]["value"], profits[free[0]] - profits[case])
    ]


def _is_new(
    price: Vector, known: Sequence[tuple[Vector, float]], answer: tuple[Vector, float]
) -> bool:
    costs = [own_cost + float(price @ bought) for bought, own_cost in [*known, answer]]
    best = min(costs[:-1], default=np.inf)
    return costs[-1] < best - 1e-9 * max(1.0, abs(costs[-1]))


def _close(one: Any, other: Any) -> bool:
    one, other = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=_CLOSE, atol=_CLOSE))
