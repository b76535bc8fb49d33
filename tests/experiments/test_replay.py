"""A replay finds every kind of difference between messages and what was reported."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from equigrid.errors import UnusableResult
from equigrid.experiments.replay import not_compared, replay
from equigrid.experiments.running.run import run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, small_file: Path) -> Path:
    """Return a result of the small study."""
    out = tmp_path_factory.mktemp("replay") / "result"
    run(small_file, out)
    return out


@pytest.fixture
def copied(original: Path, tmp_path: Path) -> Path:
    """Return a copy to spoil."""
    return Path(shutil.copytree(original, tmp_path / "copied"))


def _spoil_table(folder: Path, name: str, change: Callable[[pd.DataFrame], object]) -> None:
    path = folder / "tables" / f"{name}.parquet"
    table = pd.read_parquet(path)
    change(table)
    table.to_parquet(path, index=False)


def _spoil_json(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "summary.json"
    data = json.loads(path.read_text("utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")


def test_an_untouched_result_agrees(original: Path) -> None:
    assert replay(original) == []


def _without_rounds(folder: Path) -> None:
    for name in ("rounds", "round_prices"):
        _spoil_table(folder, name, lambda t: t.drop(t.index, inplace=True))


def test_a_negotiation_that_failed_has_no_rounds_to_compare(copied: Path) -> None:
    """It was begun, and nothing was settled in its stage."""
    log = copied / "messages.jsonl"
    records = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    talks = {record["stage"] for record in records if record["kind"] == "Signal"}
    ends = ("Settlement", "FinalSignal", "Schedule")
    kept = [r for r in records if not (r["kind"] in ends and r["stage"] in talks)]
    assert len(kept) < len(records)
    log.write_text("".join(json.dumps(record) + "\n" for record in kept), encoding="utf-8")
    _without_rounds(copied)
    assert [text for text in replay(copied) if "rounds" in text or "answers" in text] == []
    assert not any("announced prices" in text for text in replay(copied))


def test_rounds_that_are_gone_are_noticed(copied: Path) -> None:
    _without_rounds(copied)
    assert any("announced prices" in text for text in replay(copied))


@pytest.fixture(scope="module", params=[0, 2])
def bounded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, small_file: Path
) -> Path:
    """Return a result of the small study of whose rounds the log keeps the last ones only."""
    folder = tmp_path_factory.mktemp("bounded")
    study = folder / "study.yaml"
    messages = f"messages: {{rounds_kept: {request.param}}}\n"
    study.write_text(messages + small_file.read_text("utf-8"), encoding="utf-8")
    run(study, folder / "result")
    return folder / "result"


def test_what_is_left_out_of_a_log_is_not_compared_and_that_is_said(
    bounded: Path, original: Path
) -> None:
    assert replay(bounded) == []
    lines = (bounded / "messages.jsonl").read_text("utf-8").splitlines()
    gone = [record for record in map(json.loads, lines) if record["kind"] == "RoundDigest"]
    sentences = not_compared(bounded)
    assert len(gone) > len(sentences) == len({record["case"] for record in gone}) > 0
    for sentence in sentences:
        case = sentence.split(":")[0]
        count = sum(record["case"] == case for record in gone)
        assert sentence.endswith(f"digests only: {count} rounds of stage '{gone[0]['stage']}'")
    assert not_compared(original) == []
    summaries = [(folder / "summary.json").read_bytes() for folder in (bounded, original)]
    assert summaries[0] == summaries[1]


def test_what_stays_of_a_bounded_log_is_compared(bounded: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bounded, tmp_path / "copied"))
    kept = {
        record["round"]
        for record in map(json.loads, (folder / "messages.jsonl").read_text("utf-8").splitlines())
        if record["kind"] == "Signal"
    }

    def change(table: pd.DataFrame) -> None:
        table.loc[table["round"].isin(kept), "exchange_price_per_mwh"] += 1

    _spoil_table(folder, "round_prices", change)
    assert any("announced prices" in text for text in replay(folder)) == bool(kept)
    log = folder / "messages.jsonl"
    lines = log.read_text("utf-8").splitlines(keepends=True)
    first = next(line for line in lines if "RoundDigest" in line)
    log.write_text("".join(line for line in lines if line != first), encoding="utf-8")
    assert any("vouches" in text for text in replay(folder))


def test_a_log_of_before_the_kinds_were_named_so_is_refused(copied: Path) -> None:
    log = copied / "messages.jsonl"
    log.write_text(log.read_text("utf-8").replace('"Signal"', '"FlexRequest"'), encoding="utf-8")
    with pytest.raises(UnusableResult, match="the log is of an older equigrid") as refused:
        replay(copied)
    assert "messages.jsonl:" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("table", "column", "words"),
    [
        ("settlement", "amount", "payment"),
        ("prices", "exchange_price_per_mwh", "exchange prices"),
        ("purchase", "purchase_mw", "purchase"),
        ("microgrids", "import_mw", "imports of"),
        ("round_prices", "exchange_price_per_mwh", "announced prices"),
        ("rounds", "new_answers", "new answers"),
    ],
)
def test_a_changed_table_is_noticed(copied: Path, table: str, column: str, words: str) -> None:
    def change(found: pd.DataFrame) -> None:
        found[column] = found[column] + 1

    _spoil_table(copied, table, change)
    assert any(words in difference for difference in replay(copied))


def test_a_missing_payment_is_noticed(copied: Path) -> None:
    _spoil_table(copied, "settlement", lambda t: t.drop(t.index[:1], inplace=True))
    assert any("other payments" in difference for difference in replay(copied))


def test_changed_figures_and_cases_are_noticed(copied: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["cases"]["with-flexibility"]["kpis"]["disco_profit"]["value"] += 1
        data["cases"]["renamed"] = data["cases"].pop("without-flexibility")

    _spoil_json(copied, change)
    found = "\n".join(replay(copied))
    assert "disco_profit" in found
    assert "no final signal" in found
    assert "in the messages only" in found


@pytest.mark.parametrize(
    "name", ["microgrid_cost.mg1", "microgrid_der_energy_mwh", "profit_forgone", "ramp_penalty"]
)
def test_every_figure_of_the_summary_is_compared(copied: Path, name: str) -> None:
    def change(data: dict[str, Any]) -> None:
        data["cases"]["with-flexibility"]["kpis"][name]["value"] += 1

    _spoil_json(copied, change)
    assert any(name in difference for difference in replay(copied))


@pytest.mark.parametrize("kind", ["Announcement", "Signal", "Response", "Schedule"])
def test_every_kind_of_message_is_vouched_for(copied: Path, kind: str) -> None:
    log = copied / "messages.jsonl"
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    message = next(line for line in lines if line["kind"] == kind)
    name, value = next(iter(message["values"].items()))
    message["values"][name] = [item + 1 for item in value]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert replay(copied)


def test_what_is_no_result_is_refused(copied: Path) -> None:
    _spoil_json(copied, lambda data: data.pop("cases"))
    with pytest.raises(UnusableResult, match="no complete result"):
        replay(copied)
