"""The room of what a study may say: light to import, below all others, without cycles."""

import ast
import subprocess
import sys
from pathlib import Path

import equigrid.experiments.spec as room

HERE = "equigrid.experiments.spec."
HEAVY = ("cvxpy", "pandas", "matplotlib", "mesa", "pandapower", "scipy", "networkx", "numba")


def _imports(file: Path) -> set[str]:
    """Every module of this project that a file imports, in functions and for types too."""
    tree = ast.walk(ast.parse(file.read_text("utf-8")))
    found = set()
    for node in tree:
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name.startswith("equigrid.")}


FILES = {f.stem: f for folder in room.__path__ for f in Path(folder).glob("*.py")}


def test_it_imports_nothing_else_of_experiments() -> None:
    allowed = (
        "equigrid.errors",
        "equigrid.arrays",
        "equigrid.grid",
        "equigrid.scenarios",
        HERE[:-1],
    )
    for file in FILES.values():
        assert all(name.startswith(allowed) for name in _imports(file)), file


def test_its_imports_have_no_cycle() -> None:
    left = {
        name: {i.removeprefix(HERE).split(".")[0] for i in _imports(file) if i.startswith(HERE)}
        for name, file in FILES.items()
    }
    while left:
        lowest = [name for name, below in left.items() if not below & left.keys()]
        assert lowest, left
        for name in lowest:
            del left[name]


def test_what_takes_long_to_import_is_left_alone() -> None:
    script = (
        f"import sys, {HERE}study_reading, {HERE}yaml_reading\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
