"""The site has a page for every public name and every document, and names nothing that is gone."""

import re
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

import equigrid
from equigrid.experiments.running.systems import ENTRY_POINTS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SHOWN = re.compile(r"^::: (equigrid[\w.]*)$", re.MULTILINE)
# In prose and tables: a path of modules and attributes. What stands in a block of code runs anyway.
NAMED = re.compile(r"\bequigrid(?:\.[A-Za-z_]\w*)+")


def _reference() -> list[str]:
    """Every path that a page of the reference shows."""
    pages = sorted((DOCS / "reference").glob("*.md"))
    return [path for page in pages for path in SHOWN.findall(page.read_text(encoding="utf-8"))]


def _found(path: str) -> Any:
    """What a dotted path leads to, module or attribute; None where it leads nowhere."""
    found: Any = equigrid
    for depth, name in enumerate(path.split(".")[1:], start=2):
        if not hasattr(found, name):
            try:
                import_module(".".join(path.split(".")[:depth]))
            except ModuleNotFoundError:
                return None
        found = getattr(found, name, None)
    return found


def test_every_public_name_is_in_the_reference_once() -> None:
    shown = _reference()
    assert len(shown) == len(set(shown))
    where = {_home(name) for name in equigrid.__all__}
    assert sorted(where - set(shown)) == []


def _home(name: str) -> str:
    """Return the path of a public name; a type that is an alias knows it from the stub only."""
    one = getattr(equigrid, name)
    if isinstance(one, ModuleType):
        return one.__name__
    if isinstance(one, type) or callable(getattr(one, "__get__", None)):
        return f"{one.__module__}.{one.__qualname__}"
    stub = (ROOT / "src" / "equigrid" / "__init__.pyi").read_text(encoding="utf-8")
    found = re.search(rf"^from (\.[\w.]+) import {name} as {name}$", stub, re.MULTILINE)
    assert found is not None
    return f"equigrid{found[1]}.{name}"


def test_the_site_has_every_page_once() -> None:
    navigation = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    pages = [page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")]
    assert sorted(_pages(navigation)) == sorted(pages)


def _pages(entry: Any) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    inside = entry.values() if isinstance(entry, dict) else entry
    return [page for one in inside for page in _pages(one)]


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.name)
def test_what_a_page_names_exists(page: Path) -> None:
    named = sorted(set(NAMED.findall(page.read_text(encoding="utf-8"))) - {ENTRY_POINTS})
    assert [path for path in named if _found(path) is None] == []


def test_every_word_of_the_glossary_has_a_module() -> None:
    lines = (DOCS / "glossary.md").read_text(encoding="utf-8").splitlines()
    homes = [at for at, line in enumerate(lines) if line.endswith("| module |")]
    assert len(homes) >= 8
    for at in homes:
        for line in takewhile(lambda one: one.startswith("|"), lines[at + 2 :]):
            home = re.split(r"(?<!\\) \| ", line.strip("| "))[-1]
            assert NAMED.findall(home) or home == "none", line
            assert line.replace("\\|", "").count("|") == lines[at].count("|"), line
