"""Shipped feeders, and reading and writing networks as files."""

import json
import os
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from equigrid.errors import NetworkError
from equigrid.grid.network.network import Network
from equigrid.grid.network.tables import SCHEMAS, did_you_mean

FORMAT = "equigrid-network-1"
_FIGURES = ("f_hz", "base_mva")
_KEYS = ("format", "name", "source", *_FIGURES, *SCHEMAS)


def list_feeders() -> list[str]:
    """Return the names of the shipped feeders.

    >>> list_feeders()
    ['baran-wu-33', 'baran-wu-69', 'das-70', 'zhang-118']
    """
    entries = (Path(entry.name) for entry in _folder().iterdir())
    return sorted(entry.stem for entry in entries if entry.suffix == ".json")


def feeder(name: str | Path, folder: str | Path = "") -> Network:
    """Return a shipped feeder, or the network in a file, as ``network.feeder`` of a study does.

    Parameters
    ----------
    name : str or Path
        A shipped name, or a JSON file of this project's format or of pandapower's.
    folder : str or Path
        What the path is relative to.

    Raises
    ------
    NetworkError
        When there is neither, or the file describes no usable network.
    """
    if not isinstance(name, str | Path):
        raise NetworkError([f"The feeder is {type(name).__name__}: give a name or a path."])
    if str(name) in list_feeders():
        return _shipped(str(name))
    path = Path(folder) / name
    if path.is_file():
        return read_network(path)
    raise NetworkError([_no_feeder(path, str(name))])


@cache
def _shipped(name: str) -> Network:
    """Read a shipped feeder once: a network never changes."""
    return _parse(_folder().joinpath(f"{name}.json").read_text(encoding="utf-8"), name)


def _no_feeder(path: Path, name: str) -> str:
    known = list_feeders()
    if path.is_dir():
        return f"{name!r} is a folder: name a JSON file in it."
    beside = _beside(path)
    return (
        f"{name!r} is neither a shipped feeder nor a file{did_you_mean(name, [*known, *beside])}: "
        f"use {', '.join(known)}, or the path of a network saved as JSON by pandapower or equigrid."
    )


def _beside(path: Path) -> list[str]:
    """Return the JSON files that stand where a path that does not exist leads to."""
    folder = path.parent
    try:
        return sorted(str(file.name) for file in folder.glob("*.json"))
    except OSError:
        return []


def read_network(path: str | Path) -> Network:
    """Read a network from a file in this project's format or in pandapower's JSON.

    Raises
    ------
    NetworkError
        When the file cannot be read or describes no usable network.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as reason:
        raise NetworkError(
            [f"The network file {str(path)!r} cannot be read ({reason}): name a JSON file."]
        ) from reason
    return _parse(text, str(path))


def write_network(network: Network, path: str | Path, source: str = "") -> None:
    """Write a network in this project's format, one row a line, defaults left out.

    Parameters
    ----------
    network : Network
        What to write.
    path : str or Path
        The file, replaced if it holds a network in this format.
    source : str
        Where the data come from.

    Raises
    ------
    NetworkError
        When there is something else already.
    """
    _require_ours(Path(path))
    head: dict[str, Any] = {"format": FORMAT, "name": network.name, "source": source}
    head.update({key: getattr(network, key) for key in _FIGURES})
    entries = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    for table in SCHEMAS:
        if rows := _sparse_rows(table, network.tables[table]):
            lines = ",\n".join(f"  {json.dumps(row)}" for row in rows)
            entries.append(f" {json.dumps(table)}: [\n{lines}\n ]")
    Path(path).write_text("{\n" + ",\n".join(entries) + "\n}\n", encoding="utf-8")


def _require_ours(path: Path) -> None:
    """Refuse to write over what is no network of this project's."""
    if not os.path.lexists(path):
        return
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        ours = isinstance(document, dict) and document.get("format") == FORMAT
    except (OSError, ValueError, RecursionError):
        ours = False
    if not ours or path.is_symlink():
        raise NetworkError(
            [f"{str(path)!r} exists and is no network written by equigrid: name another file."]
        )


def _folder() -> Any:
    return files("equigrid.grid").joinpath("feeders")


def _parse(text: str, where: str) -> Network:
    try:
        document = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as reason:
        raise NetworkError([f"{where} is not JSON ({reason}): correct the file."]) from reason
    if isinstance(document, dict) and document.get("_class") == "pandapowerNet":
        return _from_pandapower_json(text, where)
    if findings := _shape_findings(document, where):
        raise NetworkError(findings)
    tables = {name: document[name] for name in SCHEMAS if name in document}
    figures = {key: document[key] for key in _FIGURES if key in document}
    return Network(str(document["name"]), tables, **figures)


def _shape_findings(document: Any, where: str) -> list[str]:
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        return [
            f"{where} describes no network: expected an object with "
            f'"format": "{FORMAT}", or a net saved by pandapower.'
        ]
    findings = [
        f"{where}: there is no key {key!r}{did_you_mean(key, _KEYS)}; use {', '.join(_KEYS)}."
        for key in document
        if key not in _KEYS
    ]
    findings += [
        f"{where}: {table} is no list; give a list of objects."
        for table in SCHEMAS
        if not isinstance(document.get(table, []), list)
    ]
    return findings + ([] if "name" in document else [f"{where} lacks a name: add one."])


def _from_pandapower_json(text: str, where: str) -> Network:
    import pandapower  # noqa: PLC0415  heavy, needed for its own files only

    try:
        net = pandapower.from_json_string(text)
        return Network.from_pandapower(net)
    except NetworkError:
        raise
    except Exception as reason:
        # What pandapower makes of a damaged file, or raises at it, is not documented: any
        # other failure to read it is the file's.
        raise NetworkError(
            [f"pandapower cannot read {where} ({reason!r}): save the net again with to_json."]
        ) from reason


def _sparse_rows(table: str, frame: pd.DataFrame) -> list[dict[str, Any]]:
    defaults = {key: column.default for key, column in SCHEMAS[table].items()}
    return [
        {
            key: value
            for key, value in row.items()
            if not _same(value, number if key == "element" else defaults[key])
        }
        for number, row in enumerate(frame.to_dict("records"))  # unnumbered branches count from 0
    ]


def _same(value: Any, default: Any) -> bool:
    return bool(value is None or value == default or value != value)  # noqa: PLR0124  NaN
