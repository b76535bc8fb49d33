"""CONTRIBUTING's table and the Makefile have the same commands."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| .*? \| (`.*`) \| `([a-z-]+)` \|$", re.MULTILINE)
TARGET = re.compile(r"^([a-z-]+):  ## .+\n((?:\t.+\n)+)", re.MULTILINE)


def _targets() -> dict[str, list[str]]:
    """Return the commands of every target, but of the one that lists them."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    found = {name: recipe.replace("\t", "").splitlines() for name, recipe in TARGET.findall(text)}
    assert list(found) == re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE)
    del found["help"]
    return found


def test_the_makefile_has_the_commands_of_the_table() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = {target: re.findall(r"`([^`]+)`", commands) for commands, target in ROW.findall(text)}
    assert _targets() == table


def test_every_benchmark_that_is_named_exists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if "docs/performance.md says" in line)
    names = re.findall(r"`(?:.*/)?(\w+\.py)`", line)
    assert names
    assert [name for name in names if not (ROOT / "benchmarks" / name).exists()] == []
