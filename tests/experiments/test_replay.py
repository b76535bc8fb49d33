"""A replay finds every kind of difference between messages and what was reported."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from equigrid.errors import UnusableResult
from equigrid.experiments.replay import replay
from equigrid.experiments.run import run

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
