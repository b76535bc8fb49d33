"""A study whose messages get lost, late or doubled: the same outcome, a log that tells why."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.played import played

import equigrid as eg
from equigrid.experiments.replay import replay
from equigrid.experiments.running.run import run
from equigrid.markets.messaging.message_log import read_log
from equigrid.markets.messaging.messages import Message, Response

Written = Callable[..., Path]
FAULTS = {
    "loss": 0.2,
    "delay_rounds": 3,
    "duplicate": 0.1,
    "silent": [{"name": "mg1", "after_round": 40}],
}


def _with(messages: object) -> Callable[[dict[str, Any]], object]:
    return lambda data: data.update(messages=messages)


@pytest.fixture(scope="module")
def calm(small_file: Path) -> eg.Result:
    """Return the small study without faults."""
    return run(small_file)


@pytest.fixture
def result(written: Written, tmp_path: Path) -> tuple[eg.Result, Path]:
    """Return the small study with faults, and its directory."""
    out = tmp_path / "result"
    return run(written(_with(FAULTS)), out), out


@pytest.mark.slow
def test_a_study_with_faults_comes_to_the_same_end(
    calm: eg.Result, result: tuple[eg.Result, Path]
) -> None:
    found, out = result
    assert found.summary() == calm.summary()
    for name, table in calm.tables.items():
        assert found.tables[name].equals(table), name
    log = read_log(out / "messages.jsonl")
    told = {message.fault.split(" ")[0] for message in log if isinstance(message, Message)}
    assert {"", "lost", "late"} <= told
    assert found.manifest["messages"]["loss"] == 0.2
    assert replay(out) == []


@pytest.mark.slow
def test_a_log_with_faults_is_vouched_for(result: tuple[eg.Result, Path]) -> None:
    log = result[1] / "messages.jsonl"
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    next(line for line in lines if "fault" in line).pop("fault")
    log.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert any("vouches" in difference for difference in replay(result[1]))


def test_each_case_and_each_seed_has_luck_of_its_own(written: Written) -> None:
    study = eg.load_study(written(_with({"loss": 0.3, "delay_rounds": 2})))

    def luck(seed: int, case: str) -> list[str]:
        world = eg.World(study.with_seed(seed), case)
        for number in range(50):
            world.mailroom.post(Response(sender="mg1", receiver="disco", round=number))
        return [message.fault for message in world.mailroom.log]

    calls = [(1, "with-flexibility"), (1, "without-flexibility"), (2, "with-flexibility")]
    assert luck(*calls[0]) == luck(*calls[0])
    assert len({tuple(luck(*call)) for call in calls}) == 3


@pytest.mark.slow
def test_a_party_hears_what_was_delivered_only(written: Written) -> None:
    world = played(eg.load_study(written(_with(FAULTS))), "with-flexibility")
    sent = [m for m in world.mailroom.log if m.receiver == "mg1"]
    lost = [m for m in sent if m.fault == "lost"]
    assert lost
    heard = world.shell("mg1").heard
    assert not any(message in heard for message in lost)
    assert all("mg1" in (m.sender, m.receiver) for m in [*heard, *world.shell("mg1").said])
    assert world.shell("mg1").said == [m for m in world.mailroom.log if m.sender == "mg1"]


def test_a_party_that_falls_silent_is_named(written: Written) -> None:
    path = written(_with({"silent": [{"name": "mg2", "after_round": 1}]}))
    with pytest.raises(eg.NoAnswer, match="agent 'mg2' has not answered in 30 tries") as told:
        run(path, method="best-response")
    assert told.value.agent == "mg2"


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ({"loss": 1}, "messages.loss: must be less than 1 (got 1)"),
        ({"loss": "much"}, "messages.loss: must be a number (got 'much')"),
        ({"duplicate": -0.1}, "messages.duplicate: must be at least 0 (got -0.1)"),
        ({"delay_rounds": 1.5}, "messages.delay_rounds: must be a whole number (got 1.5)"),
        ({"delay_rounds": -1}, "messages.delay_rounds: must be at least 0 (got -1)"),
        ({"rounds_kept": -1}, "messages.rounds_kept: must be at least 0 (got -1)"),
        ({"rounds_kept": 1.5}, "messages.rounds_kept: must be a whole number (got 1.5)"),
        ({"los": 0.1}, "messages.los: unknown field 'los'; did you mean 'loss'?"),
        ({"silent": {"mg1": 4}}, "messages.silent: must be a list (got a mapping)"),
        (
            {"silent": [{"name": "mg1"}]},
            "messages.silent[0].after_round: missing field 'after_round'",
        ),
        (
            {"silent": [{"name": "mgg1", "after_round": 4}]},
            "messages.silent[0].name: no agent of the study has this name; did you mean 'mg1'? "
            "(got 'mgg1')",
        ),
        (
            {"silent": [{"name": "mg1", "after_round": n} for n in (4, 5)]},
            "messages.silent[1].name: the name is taken already in line",
        ),
        (None, "messages: must be a mapping (got null)"),
    ],
)
def test_bad_values_are_refused_with_their_line(
    messages: object, words: str, written: Written
) -> None:
    path = written(_with(messages))
    with pytest.raises(eg.UnusableInput) as refused:
        eg.load_study(path)
    (finding,) = refused.value.findings
    lines = path.read_text("utf-8").splitlines()
    first = next(number for number, line in enumerate(lines, 1) if line.startswith("messages:"))
    assert finding.line >= first
    assert f"{path}:{finding.line}: {words}" in str(finding)


def test_what_is_absent_stays_absent(written: Written, tmp_path: Path) -> None:
    absent = eg.load_study(written())
    assert "messages" not in absent.to_yaml()
    for nothing in ({}, {"loss": 0, "delay_rounds": 0, "silent": []}):
        study = eg.load_study(written(_with(nothing)))
        assert study.spec == absent.spec
        assert study.digest() == absent.digest()
    assert "rounds_kept" not in eg.load_study(written(_with(FAULTS))).to_yaml()
    study = eg.load_study(written(_with({**FAULTS, "rounds_kept": 3})))
    assert study.digest() != absent.digest()
    path = tmp_path / "again.yaml"
    path.write_text(study.to_yaml(), encoding="utf-8")
    assert eg.load_study(path).spec == study.spec
