"""The mapping of folders to packages, its links and its data files hold together."""

import re
import runpy
import tomllib
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, get_origin

import pytest
import setuptools
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import equigrid

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = [
    line
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
CODE = ("agents", "grid", "markets", "scenarios", "experiments", "web")


def _folders() -> dict[str, str]:
    """Every folder that holds code, by the package it is imported as."""
    found = {"equigrid": "src/equigrid", "equigrid.compiled": "src/equigrid/compiled"}
    for top in CODE:
        for init in sorted((ROOT / top).rglob("__init__.py")):
            folder = init.parent.relative_to(ROOT).as_posix()
            found[f"equigrid.{folder.replace('/', '.')}"] = folder
    return found


def test_setup_finds_every_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(setuptools, "setup", lambda **said: given.update(said))
    runpy.run_path(str(ROOT / "setup.py"))
    assert given["package_dir"] == _folders()
    assert sorted(given["packages"]) == sorted(_folders())


def test_one_link_per_code_folder() -> None:
    links = {
        p.name: p.readlink().as_posix() for p in (ROOT / "src/equigrid").iterdir() if p.is_symlink()
    }
    assert links == {top: f"../../{top}" for top in CODE if (ROOT / top).is_dir()}


def test_every_public_name_is_importable() -> None:
    assert sorted(equigrid.__all__) == sorted(set(equigrid.__all__))
    for name in equigrid.__all__:
        one = getattr(equigrid, name)
        # A type that is an alias, such as Annotated[int, …], knows nothing of its module.
        home = one.__name__ if isinstance(one, ModuleType) else getattr(one, "__module__", "")
        assert home.startswith("equigrid.") or get_origin(one) is Annotated


def test_readme_has_exactly_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    fenced = [block.split("```")[0].strip() for block in text.split("```sh\n")[1:]]
    assert len(fenced) == 2
    assert all("\n" not in command for command in fenced)
    assert all("pip install --quiet --constraint constraints.txt " in one for one in fenced)
    assert fenced[0].endswith("equigrid run disco-microgrids")
    assert fenced[1].endswith("pytest")


def test_the_lock_has_versions_only() -> None:
    """No option, address or hash, which the pip of an old Python or another index would refuse."""
    line = re.compile(r"[a-z0-9-]+==[a-z0-9.]+( ; \(?[a-z_]+ [<>=!]+ '[a-zA-Z0-9.]+'.*)?")
    assert [one for one in LOCK if not line.fullmatch(one)] == []


def test_the_lock_has_one_version_of_all_we_ask_for_on_every_system() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = [Requirement(one) for one in PROJECT["project"]["dependencies"]]
    wanted += [Requirement(one) for name in ("test", "lint", "docs") for one in extras[name]]
    wanted += [Requirement(one) for one in PROJECT["build-system"]["requires"]]
    for python, system in product(("3.11", "3.12", "3.13"), ("linux", "darwin", "win32")):
        lock = _lock_for(python, system)
        assert [str(one) for one in wanted if canonicalize_name(one.name) not in lock] == []
        assert [
            f"{one}: {lock[canonicalize_name(one.name)]}"
            for one in wanted
            # Where an old setuptools is wanted, it is installed beside equigrid but builds nothing.
            if one.name != "setuptools"
            and not one.specifier.contains(lock[canonicalize_name(one.name)])
        ] == []


def _lock_for(python: str, system: str) -> dict[str, str]:
    where = {"python_version": python, "python_full_version": f"{python}.9", "sys_platform": system}
    lines = [Requirement(one) for one in LOCK]
    here = [one for one in lines if one.marker is None or one.marker.evaluate(where)]
    names = [canonicalize_name(one.name) for one in here]
    assert len(names) == len(set(names))
    return {canonicalize_name(one.name): str(one.specifier)[2:] for one in here}
