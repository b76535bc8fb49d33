import base64
import re
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.support.checked import TOLERANCE, checked

from equigrid.experiments.disco_microgrids import System
from equigrid.experiments.disco_microgrids.comparisons import (
    bids_met,
    changes_mw,
    expected_dispatch,
    strategy_steps,
)
from equigrid.experiments.disco_microgrids.pictures import PICTURES
from equigrid.experiments.report.page import report_html
from equigrid.experiments.result import CaseResult, Result
from equigrid.experiments.world.kpi import Kpi
from equigrid.grid.network.feeders import feeder
from equigrid.markets.certification.ac_findings import AcFindings
from equigrid.markets.certification.certificate import Certificate

HOURS = np.arange(1, 25)
SITES = ("mg1", "mg2")
NETWORK = feeder("baran-wu-33")


def a_case(name: str, swing_mw: float, **notes: Any) -> CaseResult:
    kpis = {
        "disco_profit": Kpi(1000 + 300 * swing_mw, "USD"),
        "wholesale_energy_mwh": Kpi(48 + 8 * swing_mw, "MWh"),
        "max_ramp_up_mw_per_h": Kpi(0.8 * swing_mw, "MW/h"),
        "ramp_penalty": Kpi(0.0 if swing_mw == 1 else 32.1, "USD"),
        "microgrid_cost.mg1": Kpi(491.3, "USD"),
    }
    certificate = Certificate({"mg1": 2e-9, "mg2": 0.0}, 3e-5, 0.0, None, 4e-13, AcFindings())
    talk = {"negotiation_settled": True, "negotiation_rounds": 3, "negotiation_profit": 950.0}
    told = {"method": "exact", **talk, **notes}
    return CaseResult(name, kpis, certificate, checked(certificate), notes=told)


def day(swing_mw: float, phase: float = 0.0) -> Any:
    return 2 + swing_mw * np.sin((HOURS + phase) / 4)


def by_case(swings: Mapping[str, float], table: Any) -> pd.DataFrame:
    parts = [pd.DataFrame(table(swing)).assign(case=case) for case, swing in swings.items()]
    return pd.concat(parts, ignore_index=True)


def market_tables(swings: Mapping[str, float]) -> dict[str, pd.DataFrame]:
    prices = {
        "wholesale_price_per_mwh": 40 + HOURS,
        "interruption_price_per_mwh": 70 + HOURS,
        "tariff_per_mwh": 1.2 * (40 + HOURS),
    }
    return {
        "prices": by_case(swings, lambda swing: {
            "step": HOURS, **prices,
            "exchange_price_per_mwh": np.where(HOURS < 9, 45.0, 50 + swing),
            "ramp_penalty_per_mw": np.where(HOURS > 1, 50.0 if swing < 1 else 0.0, 0.0),
        }),
        "purchase": by_case(swings, lambda swing: {
            "step": HOURS, "purchase_mw": day(swing),
            "ramp_mw_per_h": np.diff(day(swing), prepend=day(swing)[0]),
            "ramp_limit_mw_per_h": swing, "microgrid_ramp_mw_per_h": 0.1 * swing,
        }),
        "bids": pd.DataFrame({
            "microgrid": np.repeat(SITES, 24), "resource": "generator",
            "step": np.tile(HOURS, 2), "bid_per_mwh": np.repeat([45.0, 40.0], 24),
        }),
        "settlement": by_case(swings, lambda swing: {
            "payment": ["wholesale", "bill-mg1", "bill-mg2"], "payer": ["disco", "mg1", "mg2"],
            "payee": ["iso", "disco", "disco"], "amount": [2445.0, 288.8, -194 * swing],
        }),
        "rounds": by_case(swings, lambda swing: {
            "round": [1, 2, 3], "planned_profit": [None, 990.0, 950.0],
            "realised_profit": [700.0, 900 * swing, 950.0], "new_answers": [2, 1, 0],
        }),
        "round_prices": by_case(swings, lambda swing: {
            "round": np.repeat([1, 2, 3], 24), "step": np.tile(HOURS, 3),
            "exchange_price_per_mwh": 45 + swing * np.tile(HOURS, 3),
        }),
    }  # fmt: skip


def microgrids(swing: float) -> pd.DataFrame:
    parts = []
    for site in SITES:
        used = {"generator_mw": 0.3, "photovoltaic_mw": 0.1, "interrupted_mw": 0.02}
        stored = {"charge_mw": 0.1 * (HOURS < 6), "discharge_mw": 0.1 * (HOURS > 20)}
        own = sum(used.values()) - stored["charge_mw"] + stored["discharge_mw"]
        taken = {"import_mw": day(swing) - own - 1.8, "stored_mwh": 0.2, "ramp_mw_per_h": 0.05}
        by_step = {"step": HOURS, "demand_mw": day(swing) - 1.8, **used, **stored, **taken}
        parts.append(pd.DataFrame({"microgrid": site, **by_step}))
    return pd.concat(parts)


def wire_tables(swings: Mapping[str, float]) -> dict[str, pd.DataFrame]:
    buses, branches = NETWORK.buses.index.to_numpy(), NETWORK.branches
    scenarios = pd.DataFrame({"scenario": np.repeat([1, 2], 24), "step": np.tile(HOURS, 2)})
    both = pd.concat([scenarios.assign(bus=bus) for bus in buses[::4]], ignore_index=True)
    lines = pd.concat([scenarios.assign(branch=name) for name in branches["name"][::4]])
    places = [
        ("iso", "source", 1, 10.0),
        ("mg1", "microgrid", 10, 1.0),
        ("mg2", "flywheel", 22, 1.0),
    ]
    places += [("a generator of long name", "generator", 10, 0.5), ("lost", "generator", 99, 0.5)]
    return {
        "microgrids": by_case(swings, microgrids),
        "dispatch": by_case(swings, lambda swing: scenarios.assign(
            resource="dg1", kind="generator", bus=12, power_mw=swing * scenarios["scenario"]
        )),
        "scenarios": scenarios.assign(
            probability=np.where(scenarios["scenario"] == 1, 0.25, 0.75), load_factor=1.0,
            irradiance=0.5,
        ),
        "voltages": by_case(swings, lambda swing: both.assign(
            voltage_linear_pu=0.97 - 0.03 * swing * both["bus"] / 33,
            voltage_ac_pu=0.9712 - 0.03 * swing * both["bus"] / 33,
        )),
        "branches": by_case(swings, lambda swing: lines.assign(loading_percent=38 * swing)),
        "places": pd.DataFrame(places, columns=["name", "kind", "bus", "power_max_mw"]),
    }  # fmt: skip


def a_result(*cases: CaseResult, tables: bool = True) -> Result:
    swings = {case.name: case.kpis["max_ramp_up_mw_per_h"].value / 0.8 for case in cases}
    return Result(
        "disco-microgrids", "A Disco", "disco-microgrids", "USD", 1, cases,
        {**market_tables(swings), **wire_tables(swings)} if tables else {},
        NETWORK, TOLERANCE, "",
        {"network": {"feeder": "x", "voltage_min_pu": 0.9, "voltage_max_pu": 1.05}, "seed": 1},
        content=System().report(),
    )  # fmt: skip


class Page(HTMLParser):
    """What a browser would see: pictures by figure, addresses, texts, ids, open elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.pictures: dict[str, dict[str, str]] = {}
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self._open: list[str] = []
        self.words = ""
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given_ = {key: value or "" for key, value in attrs}
        self.tags.append(tag)
        self.addresses += [given_[key] for key in ("src", "href") if key in given_]
        self.ids += [given_["id"]] if "id" in given_ else []
        if tag == "img":
            self.pictures[self.ids[-1]] = given_
        if tag not in ("img", "meta"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data.replace("\N{NO-BREAK SPACE}", " ")


def svg(picture: Mapping[str, str]) -> str:
    return base64.b64decode(picture["src"].partition("base64,")[2]).decode()


@pytest.fixture(scope="module")
def two() -> Result:
    return a_result(
        a_case("before", 1.0), replace_kpi(a_case("after", 0.25), "profit_forgone", 225.0)
    )


def replace_kpi(case: CaseResult, name: str, value: float) -> CaseResult:
    return replace(case, kpis={**case.kpis, name: Kpi(value, "USD")})


@pytest.fixture(scope="module")
def html(two: Result) -> str:
    return report_html(two)


def test_every_picture_is_there_with_words_and_drawn(html: str) -> None:
    page = Page(html)
    assert list(page.pictures) == [picture.key for picture in PICTURES]
    for picture in page.pictures.values():
        assert len(picture["alt"]) > 40
        assert svg(picture).count("<path") > 10


def test_page_needs_nothing_else(html: str) -> None:
    page = Page(html)
    assert all(
        address.startswith(("data:image/svg+xml;base64,", "#")) for address in page.addresses
    )
    links = [address[1:] for address in page.addresses if address.startswith("#")]
    assert set(links) <= set(page.ids)
    assert len(set(page.ids)) == len(page.ids)
    assert "script" not in page.tags
    assert "url(" not in html
    for picture in page.pictures.values():
        assert not re.search(r'(?:href|src)="http', svg(picture))


def test_page_tells_the_result(html: str) -> None:
    words = " ".join(Page(html).words.split())
    told = (
        "The largest ramp up falls from 0.80 to 0.20 MW/h (−75 %), for 225.0 USD of profit forgone."
    )
    assert told in words
    for text in ("1,300", "1,075", "−17 %", "56.00", "50.00", "491.3", "✓ certified", "2.0 × 10⁻⁹"):
        assert text in words
    assert "resolved in the Disco's favour" in words
    assert "mg1 generator 45.00" in words
    assert "differs from AC by at most 0.0012 p.u." in words
    assert '"voltage_max_pu": 1.05' in words


def test_feeder_shows_who_sits_where_and_the_open_ties(html: str) -> None:
    drawn = svg(Page(html).pictures["feeder"])
    for text in ("iso", "mg1", "flywheel", "a gene…ng name", "open tie switch"):
        assert f">{text}<" in drawn
    assert ">lost<" not in drawn
    assert drawn.count("stroke-dasharray: 4.4") + drawn.count("stroke-dasharray: 4,") >= 5


@pytest.mark.slow
def test_same_result_same_bytes(two: Result, html: str) -> None:
    assert report_html(two) == html


@pytest.mark.slow
@pytest.mark.parametrize(
    "names",
    [
        ("only",),
        pytest.param(("<script>alert(1)</script>", "_b$x$", "c & d"), marks=pytest.mark.slow),
    ],
)
def test_any_number_of_cases_and_any_names(names: tuple[str, ...]) -> None:
    cases = [a_case(name, 1 / (1 + at)) for at, name in enumerate(names)]
    page = Page(report_html(a_result(*cases)))
    least = {picture.key for picture in PICTURES if picture.cases <= len(names)}
    assert set(page.pictures) == least
    assert "script" not in page.tags
    assert all(name in page.words for name in names)
    assert f"Energy bought: {names[0]} 56.00 MWh" in page.words


def test_without_tables_the_words_remain() -> None:
    page = Page(report_html(a_result(a_case("a", 1.0), a_case("b", 0.5), tables=False)))
    assert page.pictures == {}
    assert "The largest ramp up falls" in page.words


def test_comparisons_are_right(two: Result) -> None:
    met = bids_met(two)
    assert met == {
        (case, step): ["mg1 generator"] for case in ("before", "after") for step in range(1, 9)
    }
    assert expected_dispatch(two, "after", "generator").to_numpy() == pytest.approx(0.25 * 1.75)
    assert expected_dispatch(two, "after", "interruptible").to_numpy() == pytest.approx(0)
    change = changes_mw(two).loc["wholesale purchase"]
    assert change.to_numpy() == pytest.approx(-0.75 * np.sin(HOURS / 4))
    found = strategy_steps(two)
    assert sorted(step for some in found.values() for step in some) == list(HOURS)
    assert found["less"][0] == 1
    assert found["more"][0] == 13


def test_flows_that_do_not_converge_are_said(two: Result) -> None:
    tables = dict(two.tables)
    for table, column in (("voltages", "voltage_ac_pu"), ("branches", "loading_percent")):
        tables[table] = tables[table].assign(**{column: np.nan})
    dark = replace(two, tables=tables)
    said = {picture.key: picture.say(dark) for picture in PICTURES}
    assert "does not converge" in said["voltages"]
    assert said["loading"] == "No branch has a loading."
