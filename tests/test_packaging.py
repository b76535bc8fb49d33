"""The mapping of folders to packages, its links and its data files hold together."""

import tomllib
from pathlib import Path

import equigrid

ROOT = Path(__file__).parent.parent
TABLES = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
CODE = ("agents", "grid", "markets", "scenarios", "experiments", "web")


def _folders() -> dict[str, str]:
    """Every folder that holds code, by the package it is imported as."""
    found = {"equigrid": "src/equigrid"}
    for top in CODE:
        for init in sorted((ROOT / top).rglob("__init__.py")):
            folder = init.parent.relative_to(ROOT).as_posix()
            found[f"equigrid.{folder.replace('/', '.')}"] = folder
    return found


def test_both_tables_list_every_folder() -> None:
    assert TABLES["package-dir"] == _folders()
    assert sorted(TABLES["packages"]) == sorted(_folders())


def test_one_link_per_code_folder() -> None:
    links = {
        p.name: p.readlink().as_posix() for p in (ROOT / "src/equigrid").iterdir() if p.is_symlink()
    }
    assert links == {top: f"../../{top}" for top in CODE if (ROOT / top).is_dir()}


def test_every_public_name_is_importable() -> None:
    assert sorted(equigrid.__all__) == sorted(set(equigrid.__all__))
    for name in equigrid.__all__:
        assert getattr(equigrid, name).__module__.startswith("equigrid.")


def test_readme_has_exactly_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    fenced = [block.split("```")[0].strip() for block in text.split("```sh\n")[1:]]
    assert len(fenced) == 2
    assert all("\n" not in command for command in fenced)
    assert fenced[0].endswith("equigrid run disco-microgrids")
    assert fenced[1].endswith("pytest")
