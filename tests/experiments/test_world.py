"""A case on its clock: events in order, parties that see their own mail, outcomes as promised."""

from pathlib import Path

import numpy as np
import pytest
from tests.support.played import played

import equigrid as eg
from equigrid.experiments.running.run import run
from equigrid.markets.messaging.messages import Announcement, Response, Settlement, Signal


@pytest.fixture(scope="module")
def world(small_file: Path) -> eg.World:
    """Return the flexible case after its day."""
    return played(eg.load_study(small_file), "with-flexibility")


def test_stages_happen_at_their_minutes_in_order(world: eg.World) -> None:
    minutes = [message.minute for message in world.mailroom.log]
    assert minutes == sorted(minutes)
    assert set(minutes) == {600, 660, 720}
    assert [message.seq for message in world.mailroom.log] == list(range(len(minutes)))
    assert list(world.case_run.answers) == ["negotiation", "day-ahead"]


def test_the_iso_publishes_and_receives_the_schedule(world: eg.World) -> None:
    iso = world.shell("iso")
    published = next(message for message in iso.said if isinstance(message, Announcement))
    price = np.array(published.values["wholesale_price_per_mwh"])
    penalty = np.array(published.values["ramp_penalty_per_mw"])
    assert np.allclose(penalty, 1.4 * price[1:])
    sent = [m.values["purchase_mw"] for m in iso.heard if hasattr(m, "values")]
    answer = world.case_run.answers["day-ahead"].values["disco.purchase_mw"]
    assert np.allclose(sent[-1], answer)


def test_a_party_sees_its_own_mail_only(world: eg.World) -> None:
    mail = world.shell("mg1")
    assert all("mg1" in (m.sender, m.receiver) for m in [*mail.heard, *mail.said])
    requests = [m for m in mail.heard if isinstance(m, Signal)]
    offers = [m for m in mail.said if isinstance(m, Response)]
    assert [m.round for m in requests] == [m.round for m in offers] == list(range(1, 6))


def test_settlement_messages_are_the_payments(world: eg.World) -> None:
    bills = {
        message.payment: message.amount
        for message in world.mailroom.log
        if isinstance(message, Settlement) and message.stage == "day-ahead"
    }
    assert bills == pytest.approx(dict(world.case_run.answers["day-ahead"].payments))


def test_the_negotiation_is_never_better_than_the_optimum(world: eg.World) -> None:
    talk, exact = (world.case_run.answers[stage] for stage in ("negotiation", "day-ahead"))
    assert talk.leader_objective is not None
    assert exact.leader_objective is not None
    assert talk.leader_objective <= exact.leader_objective * (1 + 1e-4)
    assert max(talk.certificate.regret.values()) < 1e-6


@pytest.mark.slow
def test_money_balances_in_kpis_and_tables(small_file: Path) -> None:
    result = run(small_file, method="exact")
    for case in result.cases:
        table = result.tables["settlement"].query("case == @case.name")
        received = table.query("payee == 'disco'")["amount"].sum()
        paid = table.query("payer == 'disco'")["amount"].sum()
        assert case.kpis["disco_profit"].value == pytest.approx(received - paid, abs=1e-6)
    sites = result.tables["microgrids"]
    supply = sites.eval(
        "import_mw + generator_mw + photovoltaic_mw + interrupted_mw + discharge_mw"
    )
    assert np.allclose(supply, sites.eval("demand_mw + charge_mw"), atol=1e-7)
    assert set(result.kpis["case"]) == {case.name for case in result.cases}


@pytest.mark.slow
def test_a_baseline_may_report_ac_without_failing(small_file: Path, tmp_path: Path) -> None:
    text = small_file.read_text("utf-8").replace("voltage_max_pu: 1.05", "voltage_max_pu: 1.0")
    report = text.replace("ac: enforce", "ac: report")
    path = tmp_path / "study.yaml"
    path.write_text(report, encoding="utf-8")
    result = run(path, method="exact")
    assert result.certified
    assert {c.certificate.ac.required for c in result.cases if c.certificate.ac} == {"report"}


def test_a_load_that_no_power_flow_can_carry_is_refused(small_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    text = small_file.read_text("utf-8").replace(
        "peak_load_fraction: 1.0", "peak_load_fraction: 90"
    )
    path.write_text(text, encoding="utf-8")
    with pytest.raises(
        eg.NoAnswer, match=r"^without-flexibility: 'disco' .* in hour 1, 2, 3, 4, 5, 6"
    ):
        run(path)


@pytest.mark.slow
def test_a_network_without_load_has_nothing_to_interrupt(small_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    text = small_file.read_text("utf-8").replace("peak_load_fraction: 1.0", "peak_load_fraction: 0")
    path.write_text(text.replace("power_max_mw: 0.3\n", "power_max_mw: 0\n"), encoding="utf-8")
    result = run(path, method="exact")
    assert {case.kpis["interrupted_energy_mwh"].value for case in result.cases} == {0.0}
