"""Ctrl-C, limits and failures on the way: what was found is kept, whole, and says what it is."""

import json
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner
from tests.support.played import played

import equigrid as eg
from equigrid.errors import Interrupted, NoAnswer
from equigrid.experiments import cli, timetable
from equigrid.experiments.commands import actions, guarding
from equigrid.experiments.replay import replay
from equigrid.experiments.report import page
from equigrid.experiments.report.negotiated import negotiation
from equigrid.experiments.report.page import report_html
from equigrid.experiments.running import run as running
from equigrid.experiments.running.run import RunInterrupted, UnfinishedRun
from equigrid.experiments.world import operation
from equigrid.experiments.world.run_options import RunOptions
from equigrid.grid.verified_flow import verified_flow
from equigrid.markets.equilibrium import Equilibrium
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.posting import announce_outcome
from equigrid.markets.methods.best_response import BestResponse
from equigrid.markets.methods.exact import Exact

End = Callable[[Equilibrium], Equilibrium]
FIRST, SECOND = "without-flexibility", "with-flexibility"
SCHEMA = json.loads((Path(__file__).parent / "summary.schema.json").read_text("utf-8"))
_SOLVED: dict[str, Equilibrium] = {}


def _found(game: eg.Game, case: str) -> Equilibrium:
    """Return the answer of the small study's case, solved once."""
    if case not in _SOLVED:
        _SOLVED[case] = eg.Exact().solve(game)
    return replace(_SOLVED[case], game=game)


@pytest.fixture(autouse=True)
def _without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what takes long to draw and says nothing here."""
    monkeypatch.setattr(page, "_pictures", lambda result: [])


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the search of each case end as told; without a word it ends with its proof."""

    def set_up(rounds: Sequence[End] = (), **ends: End) -> None:
        searched: list[eg.Game] = []

        class Ended(Exact):
            def play(
                self, game: eg.Game, mailroom: Mailroom, stage: str = ""
            ) -> Generator[Any, Any, Equilibrium]:
                end = ends.get(mailroom.case.replace("-", "_"))
                found = _found(game, mailroom.case)
                if end is not None:
                    found = end(found)
                announce_outcome(game, found.values, mailroom, stage)
                yield mailroom.clock.timeout(0)
                return found

            def search(self, game: eg.Game, effort: Any = None) -> Any:
                found = _found(game, FIRST)
                searched.append(game)
                return rounds[len(searched) - 1](found) if len(searched) <= len(rounds) else found

        Ended.__name__ = "Exact"  # whose settings a study may state
        monkeypatch.setattr(timetable, "Exact", Ended)

    return set_up


def _stop(found: Equilibrium) -> Equilibrium:
    raise Interrupted(None)


def _stop_with_answer(found: Equilibrium) -> Equilibrium:
    raise Interrupted(_short(found))


def _fail(found: Equilibrium) -> Equilibrium:
    raise NoAnswer("no answer was found before the node limit of Exact; raise node_limit")


def _short(found: Equilibrium, **statistics: float) -> Equilibrium:
    certificate = replace(found.certificate, optimality_gap=1.67e-3)
    told = {**found.statistics, **statistics}
    return replace(found, settled=False, certificate=certificate, statistics=told)


def _read(out: Path, name: str) -> Any:
    return json.loads((out / name).read_text("utf-8"))


def _whole(out: Path) -> Any:
    """Assert that a result directory is as that of a finished run, and return its summary."""
    names = {path.name for path in out.iterdir()}
    assert names == {"manifest.json", "summary.json", "messages.jsonl", "tables", "report.html"}
    assert replay(out) == []
    summary = _read(out, "summary.json")
    jsonschema.validate(summary, SCHEMA)
    return summary


@pytest.mark.slow
def test_a_case_that_is_interrupted_leaves_the_finished_one(
    ending: Callable[..., None], tiny_file: Path, tmp_path: Path
) -> None:
    ending(with_flexibility=_stop)
    with pytest.raises(RunInterrupted) as end:
        eg.run(tiny_file, out=tmp_path / "out", method="exact")
    assert [case.name for case in end.value.result.cases] == [FIRST]
    summary = _whole(tmp_path / "out")
    assert summary["status"] == "uncertified"
    assert list(summary["cases"]) == [FIRST]
    manifest = _read(tmp_path / "out", "manifest.json")
    assert manifest["interrupted"] is True
    assert manifest["missing"] == {SECOND: "interrupted before it had an answer"}
    report = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert f"<b>{SECOND}</b>: interrupted before it had an answer." in report
    assert "the run was interrupted" in report


@pytest.mark.slow
def test_the_best_answer_so_far_is_written_and_marked(
    ending: Callable[..., None],
    tiny_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ending(without_flexibility=_stop_with_answer)
    monkeypatch.setattr(actions, "end_at_once", lambda code: None)
    command = ["run", str(tiny_file), "--out", str(tmp_path / "out"), "--method", "exact"]
    told = CliRunner().invoke(cli.main, command)
    assert told.exit_code == 3, told.output
    assert "the best answer so far, not proven" in told.output
    assert f"{SECOND}: not run" in told.output
    assert told.output.splitlines()[-2] == "NOT certified"
    summary = _whole(tmp_path / "out")
    assert summary["cases"][FIRST]["stopped_by"] == "interrupt"
    assert SECOND not in summary["cases"]


@pytest.mark.slow
def test_a_stage_without_an_answer_leaves_that_of_the_stage_before_and_proves_nothing(
    ending: Callable[..., None], tiny_file: Path, tmp_path: Path
) -> None:
    ending(with_flexibility=_stop)
    with pytest.raises(RunInterrupted) as end:
        eg.run(tiny_file, out=tmp_path / "out")
    result = end.value.result
    assert [case.name for case in result.cases] == [FIRST, SECOND]
    assert result.case(FIRST).shortcomings == ()
    talk, short = result.case(SECOND).shortcomings  # what stands in for it counts as well
    assert "negotiation did not settle" in talk
    assert "stage 'day-ahead' was interrupted before it had an answer" in short
    assert "this is the answer of stage 'negotiation', and nothing is proven" in short
    assert _whole(tmp_path / "out")["cases"][SECOND]["stopped_by"] == "interrupt"
    assert not result.certified
    assert not any("exact optimum" in text for text in negotiation(result) if SECOND in text)


def test_nothing_is_written_where_nothing_was_found(
    ending: Callable[..., None], tiny_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending(without_flexibility=_stop)
    ends: list[int] = []
    monkeypatch.setattr(guarding, "end_at_once", ends.append)
    command = ["run", str(tiny_file), "--out", str(tmp_path / "out"), "--method", "exact"]
    told = CliRunner().invoke(cli.main, command)
    assert "interrupted; nothing was written" in told.output
    assert ends == [1]
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2])
def test_the_first_interrupt_while_writing_is_forgiven(
    ending: Callable[..., None],
    tiny_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    times: int,
) -> None:
    left = [KeyboardInterrupt()] * times

    def impatient(result: eg.Result) -> str:
        if left:
            raise left.pop()
        return report_html(result)

    ending()
    monkeypatch.setattr(running, "report_html", impatient)
    with pytest.raises(KeyboardInterrupt) as end:
        eg.run(tiny_file, out=tmp_path / "out", method="exact")
    assert isinstance(end.value, RunInterrupted) == (times == 1)
    if times == 1:
        _whole(tmp_path / "out")
    else:
        assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2])
def test_the_first_interrupt_of_a_power_flow_is_forgiven(
    ending: Callable[..., None],
    tiny_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    times: int,
) -> None:
    left = [KeyboardInterrupt()] * times

    def impatient(*given: Any, **named: Any) -> Any:
        if left:
            raise left.pop()
        return verified_flow(*given, **named)

    ending()
    monkeypatch.setattr(operation, "verified_flow", impatient)
    with pytest.raises(KeyboardInterrupt) as end:
        eg.run(tiny_file, out=tmp_path / "out", method="exact")
    assert isinstance(end.value, RunInterrupted) == (times == 1)
    if isinstance(end.value, RunInterrupted):
        assert end.value.result.case(FIRST).shortcomings == ()
        assert end.value.result.missing == {SECOND: "not run"}
    assert (tmp_path / "out").exists() == (times == 1)


@pytest.mark.slow
def test_a_case_without_an_answer_loses_no_finished_one(
    ending: Callable[..., None], tiny_file: Path, tmp_path: Path
) -> None:
    ending(with_flexibility=_fail)
    with pytest.raises(UnfinishedRun, match=f"{SECOND}: day-ahead: no answer") as end:
        eg.run(tiny_file, out=tmp_path / "out", method="exact")
    assert [case.name for case in end.value.result.cases] == [FIRST]
    assert _whole(tmp_path / "out")["status"] == "uncertified"
    ending(without_flexibility=_fail)
    with pytest.raises(NoAnswer, match=f"{FIRST}: day-ahead: no answer") as none:
        eg.run(tiny_file, out=tmp_path / "none", method="exact")
    assert not isinstance(none.value, UnfinishedRun)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("by", "words"),
    [
        pytest.param(
            "clock", ("after 7 seconds (--seconds)", "another machine"), marks=pytest.mark.slow
        ),
        ("nodes", ("raise methods.exact.node_limit (now 100,000)",)),
        pytest.param("work", ("raise methods.exact.work_limit",), marks=pytest.mark.slow),
    ],
)
def test_a_search_that_meets_a_limit_says_which(
    ending: Callable[..., None], tiny_file: Path, by: str, words: tuple[str, ...]
) -> None:
    ending(with_flexibility=lambda found: _short(found, **{f"stopped_by_{by}": 1.0}))
    result = eg.run(tiny_file, method="exact", seconds=7.0)
    assert not result.certified
    case = result.case(SECOND)
    said = next(text for text in case.shortcomings if "was ended" in text)
    assert all(word in said for word in words)
    assert result.summary()["cases"][SECOND]["stopped_by"] == by
    assert result.manifest["seconds_limit"] == 7.0
    assert result.case(FIRST).stopped_by == ""


@pytest.mark.slow
def test_a_limit_within_the_gap_asked_for_is_told_and_costs_no_certificate(
    ending: Callable[..., None], tiny_file: Path
) -> None:
    def late(found: Equilibrium) -> Equilibrium:
        statistics = {**found.statistics, "stopped_by_clock": 1.0}
        return replace(found, settled=False, statistics=statistics)

    ending(with_flexibility=late)
    result = eg.run(tiny_file, method="exact", seconds=7.0)
    assert result.certified
    assert "within the gap that the certificate asks for" in result.case(SECOND).remarks[0]
    assert "within the gap that the certificate asks for" in report_html(result)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_no_other_than_a_length_of_time_is_one(tiny_file: Path, seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds must be above 0"):
        eg.run(tiny_file, seconds=seconds)


@pytest.mark.slow
def test_a_negotiation_that_is_only_compared_ends_nothing(
    ending: Callable[..., None],
    tiny_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Lost(BestResponse):
        def play(self, game: eg.Game, mailroom: Mailroom, stage: str = "") -> Any:
            yield mailroom.clock.timeout(0)
            raise NoAnswer("agent 'mg1' has no best answer to what it hears", "mg1")

    ending()
    Lost.__name__ = "BestResponse"
    monkeypatch.setattr(timetable, "BestResponse", Lost)
    told: list[str] = []
    result = eg.run(tiny_file, out=tmp_path / "out", progress=told.append)
    assert result.certified
    sentence = "negotiation: agent 'mg1' has no best answer to what it hears"
    assert all(case.remarks == (sentence,) for case in result.cases)
    assert f"{FIRST}: {sentence}" in told
    assert "negotiation: agent &#39;mg1&#39;" in report_html(result)
    assert _whole(tmp_path / "out")["status"] == "certified"
    with pytest.raises(NoAnswer, match=f"{FIRST}: negotiation: agent 'mg1'"):
        eg.run(tiny_file, method="best-response")


def test_progress_says_in_words_what_is_not_known_yet(
    tiny_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Telling(Exact):
        def play(self, game: eg.Game, mailroom: Mailroom, stage: str = "") -> Any:
            assert self.progress is not None
            self.progress(1, float("nan"), float("-inf"))
            self.progress(2, float("inf"), 12.0)
            self.progress(3, 11.0, 12.0)
            raise NoAnswer("none")

    monkeypatch.setattr(timetable, "Exact", Telling)
    study, told = eg.load_study(tiny_file).with_method("exact"), list[str]()
    with pytest.raises(NoAnswer, match=f"{FIRST}: day-ahead: none"):
        played(study, FIRST, RunOptions(progress=told.append))
    assert [text for text in told if "nodes" in text] == [
        f"{FIRST}: day-ahead: 1 nodes, no answer yet, no bound yet",
        f"{FIRST}: day-ahead: 2 nodes, no answer yet, bound 12.000",
        f"{FIRST}: day-ahead: 3 nodes, answer 11.000, bound 12.000, gap 9.091 % of the answer",
    ]


def _in_rounds(file: Path, tmp_path: Path) -> Path:
    """Write the study with a linear network that is never fitted well enough, and one case."""
    data = yaml.safe_load(file.read_text("utf-8"))
    data["network"]["linearisation"] = {"rounds": 4, "tolerance_pu": 1e-12}
    data["cases"] = data["cases"][:1]
    path = tmp_path / "rounds.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return path


def _as_it_is(found: Equilibrium) -> Equilibrium:
    return found


@pytest.mark.slow
def test_the_round_before_stands_where_a_round_is_interrupted(
    ending: Callable[..., None], tiny_file: Path, tmp_path: Path
) -> None:
    ending([_as_it_is, _as_it_is, _stop])
    with pytest.raises(RunInterrupted) as end:
        eg.run(_in_rounds(tiny_file, tmp_path), method="exact")
    case = end.value.result.case(FIRST)
    assert case.notes["linear_rounds"] == 2
    assert any("was interrupted: this is the best answer so far" in s for s in case.shortcomings)
    ending([_stop])
    with pytest.raises(KeyboardInterrupt) as none:
        eg.run(_in_rounds(tiny_file, tmp_path), method="exact")
    assert not isinstance(none.value, RunInterrupted)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("end", "rounds"),
    [
        (_stop_with_answer, 2),
        pytest.param(partial(_short, stopped_by_work=1.0), 2, marks=pytest.mark.slow),
        pytest.param(_as_it_is, 4, marks=pytest.mark.slow),
    ],
)
def test_rounds_end_with_a_search_that_ended_before_its_end(
    ending: Callable[..., None], tiny_file: Path, tmp_path: Path, end: End, rounds: int
) -> None:
    ending([_as_it_is, end])
    try:
        result = eg.run(_in_rounds(tiny_file, tmp_path), method="exact")
    except RunInterrupted as stop:
        result = stop.result
        assert end is _stop_with_answer
    assert result.case(FIRST).notes["linear_rounds"] == rounds
    assert not result.certified
    assert any("linear network still differs" in text for text in result.case(FIRST).shortcomings)


def test_the_clock_is_one_for_all_rounds(
    ending: Callable[..., None], tiny_file: Path, tmp_path: Path
) -> None:
    ending()
    result = eg.run(_in_rounds(tiny_file, tmp_path), method="exact", seconds=1e-6)
    assert result.case(FIRST).notes["linear_rounds"] == 1
    assert any("the clock ended the rounds" in text for text in result.case(FIRST).shortcomings)
