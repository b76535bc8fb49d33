"""The contracts between folders fail when a line that they forbid is put back."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("importlinter", reason="import-linter comes with the lint extra")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
PLANTED = [
    ("markets/certification/leader_check.py", "equigrid.markets.bilevel.kkt", "shares nothing"),
    ("markets/certification/fleet_check.py", "equigrid.markets.admm.batch.rows", "shares nothing"),
    ("markets/certification/certify.py", "equigrid.markets.best_response.player", "shares nothing"),
    (
        "markets/certification/best_response_check.py",
        "equigrid.markets.accounts.price_setter_income",
        "shares nothing",
    ),
    ("markets/admm/batch/proximal.py", "equigrid.markets.certification.fleet_rows", "its face"),
    ("markets/best_response/nash.py", "equigrid.markets.certification.certify", "its face"),
    ("markets/bilevel/kkt.py", "equigrid.markets.certification.kkt_residuals", "its face"),
    ("markets/methods/exact.py", "equigrid.markets.certification.standalone", "its face"),
    ("markets/games/game_kinds.py", "equigrid.markets.methods.exact", "inside the markets"),
    ("markets/forms/points.py", "equigrid.markets.games.game", "inside the markets"),
    ("markets/model/agent.py", "equigrid.markets.forms.compilation", "inside the markets"),
    ("grid/ac.py", "equigrid.markets.model.agent", "down the stack"),
    ("experiments/spec/study.py", "equigrid.experiments.world.stage", "inside the experiments"),
    ("experiments/world/world.py", "equigrid.experiments.system", "inside the experiments"),
    ("experiments/world/playing.py", "equigrid.experiments.timetable", "inside the experiments"),
    ("experiments/system.py", "equigrid.experiments.running.run", "inside the experiments"),
    ("experiments/frp_aggregator/day.py", "equigrid.experiments.replay", "inside the experiments"),
    ("experiments/running/run.py", "equigrid.experiments.commands", "inside the experiments"),
    ("experiments/timetable.py", "simpy", "know Mesa and SimPy"),
    ("experiments/system.py", "mesa", "know Mesa and SimPy"),
]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the code with its links followed."""
    top = tmp_path_factory.mktemp("contracts")
    ignored = shutil.ignore_patterns("__pycache__", "*.json", "*.yaml", "results")
    shutil.copytree(ROOT / "src", top / "src", ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", top)
    return top


def _lint(top: Path) -> subprocess.CompletedProcess[str]:
    command = "from importlinter.cli import lint_imports_command as lint; lint()"
    return subprocess.run(
        [sys.executable, "-c", command, "--no-cache"],
        cwd=top,
        env={**os.environ, "PYTHONPATH": str(top / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "hidden",
    [
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from {} import System\n",
        "def late():\n    from {} import System\n",
    ],
)
def test_an_import_that_is_hidden_counts(tree: Path, hidden: str) -> None:
    path = tree / "src" / "equigrid" / "experiments" / "world" / "stage.py"
    before = path.read_text(encoding="utf-8")
    try:
        path.write_text(before + "\n" + hidden.format("equigrid.experiments.system"), "utf-8")
        linted = _lint(tree)
    finally:
        path.write_text(before, encoding="utf-8")
    broken = [line for line in linted.stdout.splitlines() if "BROKEN" in line]
    assert any("inside the experiments" in line for line in broken), broken


def test_all_contracts_hold(tree: Path) -> None:
    linted = _lint(tree)
    assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize(("file", "module", "contract"), PLANTED)
def test_a_forbidden_line_breaks_its_contract(
    tree: Path, file: str, module: str, contract: str
) -> None:
    path = tree / "src" / "equigrid" / file
    before = path.read_text(encoding="utf-8")
    package, _, name = module.rpartition(".")
    planted = f"from {package} import {name}" if package else f"import {name}"
    try:
        path.write_text(f"{before}\n{planted}\n", encoding="utf-8")
        linted = _lint(tree)
    finally:
        path.write_text(before, encoding="utf-8")
    assert linted.returncode != 0
    broken = [line for line in linted.stdout.splitlines() if "BROKEN" in line]
    assert any(contract in line for line in broken), broken
