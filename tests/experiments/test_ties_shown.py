"""What hangs on ties stands beside the verdict: in the report, the last lines and the summary."""

import json
import math
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.checked import TOLERANCE, checked

from equigrid.experiments.commands.telling import result_lines
from equigrid.experiments.report.negotiated import negotiation
from equigrid.experiments.report.page import report_html
from equigrid.experiments.report.ties import percent, rests_on_ties, status, worst_tie
from equigrid.experiments.report.verdict import shown, verdict
from equigrid.experiments.report_content import ReportContent
from equigrid.experiments.result import CaseResult, Result
from equigrid.experiments.world.kpi import Kpi
from equigrid.grid.network.feeders import feeder
from equigrid.markets.certification.ac_findings import AcFindings
from equigrid.markets.certification.certificate import Certificate

CERTIFICATE = Certificate(
    {"mg1": 2e-9}, 3e-5, 0.0, None, 4e-13, AcFindings(), leader_objective=200.0
)
SCHEMA = json.loads((Path(__file__).parent / "summary.schema.json").read_text("utf-8"))


def _result(*worst: float | None, **more: Any) -> Result:
    certificates = [replace(CERTIFICATE, worst_tie_objective=w, **more) for w in worst]
    cases = tuple(
        CaseResult(
            name,
            {"disco_profit": Kpi(200.0, "USD")},
            certificate,
            checked(certificate),
            notes={"method": "exact"},
        )
        for name, certificate in zip("abc", certificates, strict=False)
    )
    network = feeder("baran-wu-33")
    return Result(
        "s", "A Disco", "disco-microgrids", "USD", 1, cases, {}, network, TOLERANCE, "", {"seed": 1}
    )


def _header(result: Result) -> str:
    return report_html(result).partition("</header>")[0]


ON_TIES = "certified, if ties fall in the leader's favour"


@pytest.mark.parametrize(
    ("worst", "word", "said", "told"),
    [
        ([92.0], ON_TIES, "the leader loses 54 % of its objective.", 0.54),
        (
            [-math.inf],
            ON_TIES,
            "the leader loses without end, or cannot meet its own limits.",
            "endless",
        ),
        ([199.0], "certified", "the leader loses 0.50 % of its objective.", 0.005),
        ([200.0], "certified", "Ties cost the leader nothing.", 0.0),
        ([None], "certified", "", None),
    ],
)
def test_the_worst_tie_stands_beside_the_badge(
    worst: list[float | None], word: str, said: str, told: object
) -> None:
    result = _result(*worst)
    assert status(result) == word
    assert worst_tie(result).endswith(said)
    head, lines = _header(result), list(result_lines(result))
    assert f"✓ {word}".replace("'", "&#39;") in head
    assert (said.replace("'", "&#39;") in head) if said else ('class="tie"' not in head)
    assert lines[-1] == word
    assert any(said in line for line in lines if line.startswith("worst tie: ")) == bool(said)
    summary = result.summary()
    assert summary["status"] == "certified"
    assert summary["cases"]["a"]["certificate"]["worst_tie_loss"] == pytest.approx(told)
    jsonschema.validate(summary, SCHEMA)


def test_the_worst_of_several_cases_is_named() -> None:
    result = _result(200.0, 92.0, None)
    assert worst_tie(result).endswith("loses 54 % of its objective in b.")
    assert _result(200.0, 92.0, -math.inf).certified
    both = "loses 54 % of its objective in b and loses without end, or cannot meet its own limits"
    assert worst_tie(_result(200.0, 92.0, -math.inf)).endswith(f"{both} in c.")


def test_what_a_margin_does_is_said_where_ties_matter_and_only_there() -> None:
    said = ReportContent(ties="Ties are resolved in the leader's favour.")
    for (worst, matter), content in product(
        ((92.0, True), (200.0, False)), (said, ReportContent())
    ):
        result = replace(_result(worst), content=content)
        page, lines = report_html(result), list(result_lines(result))
        assert ('href="#ties"' in page) == matter  # and there is what it leads to
        assert ('id="ties"' in page) == (matter or content is said)
        assert ("methods: exact: margin" in page) == matter
        assert any("methods: exact: margin" in line for line in lines) == matter
    assert verdict(_result(92.0)).startswith("Certified, if ties fall in the leader's favour: no")


def test_what_is_not_certified_is_not_called_so_whatever_the_ties() -> None:
    result = _result(92.0)
    unread = replace(result, cases=(replace(result.cases[0], failures=("a gap",)),))
    for short in (unread, _result(92.0, optimality_gap=1e-2)):
        assert status(short) == "NOT certified"
        assert "✗ uncertified" in _header(short)
    missing = replace(result, missing={"b": "not run"})
    assert status(missing) == "NOT certified"
    assert missing.summary()["status"] == "uncertified"


@given(st.floats(min_value=0, max_value=1e6))
def test_a_share_in_percent_keeps_its_size(share: float) -> None:
    number = float(percent(share).removesuffix(" %")) / 100
    assert number == pytest.approx(share, rel=0.06)


_ANY = st.sampled_from([math.inf, -math.inf, math.nan]) | st.floats()


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(_ANY, _ANY, _ANY, _ANY)
def test_no_number_that_is_none_gets_into_a_summary(
    regret: float, gap: float, worst: float, profit: float
) -> None:
    result = _result(worst, regret={"mg1": regret}, optimality_gap=gap, dual_residual=regret)
    case = replace(result.cases[0], kpis={"disco_profit": Kpi(profit, "USD")})
    result = replace(result, cases=(case,))
    summary = result.summary()
    json.dumps(summary, allow_nan=False)
    jsonschema.validate(summary, SCHEMA)
    told = summary["cases"]["a"].get("not_finite", {})
    assert ("kpis.disco_profit.value" in told) != math.isfinite(profit)
    assert ("certificate.regret.mg1" in told) != math.isfinite(regret)
    assert ("certificate.optimality_gap" in told) != math.isfinite(gap)
    rests_on_ties(result)
    words = [word for check in shown(case) for word in check.measured.split()]
    assert not {"nan", "inf", "-inf", "−inf"} & set(words)


def test_a_certificate_that_is_not_finite_is_told_in_words() -> None:
    result = _result(None, regret={"mg1": math.inf}, primal_residual=math.nan)
    told = {check.measured for check in shown(result.cases[0])}
    assert {"infinite", "not a number"} <= told


def test_a_negotiation_that_did_not_settle_says_whose_profit_it_is() -> None:
    notes = {
        "method": "exact",
        "negotiation_settled": False,
        "negotiation_rounds": 6,
        "negotiation_round": 4,
        "negotiation_profit": 904.6,
        "negotiation_distance": 0.1,
    }
    result = _result(200.0)
    case = replace(result.cases[0], notes=notes)
    [said] = negotiation(replace(result, cases=(case,)))
    assert "did not settle in 6 rounds; the best of them is round 4 with a profit of 904.6" in said
    lines = list(result_lines(replace(result, cases=(case,))))
    assert any("the best of them is round 4, 10.0 % from the optimum" in line for line in lines)
