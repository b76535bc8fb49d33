"""Every Python block in the documentation runs as printed, from top to bottom of its page."""

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[str]:
    """Return the code of a page, each block behind empty lines, so that errors name its line."""
    text = page.read_text(encoding="utf-8")
    return ["\n" * text.count("\n", 0, b.start(1)) + b.group(1) for b in BLOCK.finditer(text)]


PAGES = [p for p in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if p.exists()]


MARKS = {
    # What README shows touches every layer, so it is run with the newest libraries too.
    "README.md": [pytest.mark.smoke],
    "which-method-for-which-game.md": [pytest.mark.slow],
    "what-each-party-learns.md": [pytest.mark.slow],
}
WITH_CODE = [pytest.param(p, id=p.name, marks=MARKS.get(p.name, [])) for p in PAGES if blocks(p)]


@pytest.mark.parametrize("page", WITH_CODE)
def test_python_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(page):
        exec(compile(block, str(page), "exec"), names)


def test_blocks_keep_their_line_numbers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("text\n\n```python\na = 1\n```\n\n```python\nb = a\n```\n", encoding="utf-8")
    assert blocks(page) == ["\n\n\na = 1\n", "\n\n\n\n\n\n\nb = a\n"]
