"""Find the packages: code lies in folders at the top and is imported as ``equigrid.<folder>``.

All else stands in pyproject.toml; setuptools by itself looks for packages below one folder only.
"""

from collections.abc import Iterator
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).parent
CODE = ("agents", "grid", "markets", "scenarios", "experiments", "web")


def folders() -> Iterator[tuple[str, str]]:
    """Yield every package with its folder."""
    for root, tops in ((ROOT / "src", ("equigrid",)), (ROOT, CODE)):
        for top in tops:
            for init in sorted((root / top).rglob("__init__.py")):
                parts = init.parent.relative_to(root).parts
                name = ".".join(parts if root != ROOT else ("equigrid", *parts))
                yield name, init.parent.relative_to(ROOT).as_posix()


found = dict(folders())
setup(packages=list(found), package_dir=found)
