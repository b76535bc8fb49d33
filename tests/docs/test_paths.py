"""Files and folders that the documentation names exist, and its layers are the contract's."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
TOPS = "agents|grid|markets|scenarios|experiments|tests|benchmarks|src|docs|\\.ci"
NAMED = re.compile(rf"`((?:{TOPS})/[\w./-]*)`")
# What a reader is told to write.
TO_COME = {"markets/methods/one_price.py"}
DESIGN = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_exists(page: Path) -> None:
    named = set(NAMED.findall(page.read_text(encoding="utf-8"))) - TO_COME
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


def test_every_file_of_the_table_of_steps_exists() -> None:
    table = DESIGN.split("| step | file in `markets/` |\n|---|---|\n")[1].split("\n\n")[0]
    gone = []
    for line in table.splitlines():
        folder = ""
        for path in re.findall(r"`([\w/]+\.py)`", line):
            folder = path.rpartition("/")[0] or folder
            where = ROOT / "markets" / folder / path.rpartition("/")[2]
            gone += [] if where.exists() else [path]
    assert gone == []


def test_rooms_are_those_of_the_import_contract() -> None:
    block = DESIGN.split("## Rooms")[1].split("```")[1]
    written = [re.split(r"\s{2,}", line)[0] for line in block.strip().splitlines()]
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = next(
        one["layers"]
        for one in contracts["tool"]["importlinter"]["contracts"]
        if one.get("containers") == ["equigrid.markets"]
    )
    assert written == layers
