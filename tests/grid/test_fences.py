"""What rests on the inside of a compiler stands in a folder that says so."""

import re
from pathlib import Path

import equigrid.grid

INSIDE = re.compile(r"^\s*(?:from|import) (?:llvmlite|numba\.)", re.MULTILINE)


def test_only_kernels_use_the_inside_of_numba_and_llvmlite() -> None:
    root = Path(equigrid.grid.__file__).parent
    files = {path for path in root.rglob("*.py") if INSIDE.search(path.read_text("utf-8"))}
    assert files
    assert {path.parent.relative_to(root).as_posix() for path in files} == {"batch/kernels"}
