"""Checks of fleets."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import cvxpy as cp
import numpy as np

from equigrid.arrays import FloatArray
from equigrid.errors import did_you_mean
from equigrid.markets.model.agent import Agent


def member_findings(name: str, member: object) -> list[str]:
    """Return what is wrong with a fleet's name and member."""
    findings = []
    if not name or "." in name:
        findings.append(f"fleet name {name!r} must be text without dots")
    if not isinstance(member, Agent):
        findings.append(f"the member of fleet '{name}' is {type(member).__name__}; pass an Agent")
    elif not member.decides:
        findings.append(
            f"the member '{member.name}' of fleet '{name}' has no problem, so there is nothing "
            "for anybody to decide; give it one"
        )
    return findings


def data_findings(name: str, member: Agent, data: Mapping[str, FloatArray]) -> list[str]:
    """Return what is wrong with the data of members, column by column and together."""
    findings = []
    for key, values in data.items():
        if key in member.hears:
            findings += _array_findings(
                f"data '{key}' of fleet '{name}'", member.hears[key], values
            )
        else:
            findings.append(
                f"fleet '{name}' has data '{key}', which its member '{member.name}' does not hear"
                + did_you_mean(key, member.hears)
            )
    counts = {key: len(values) for key, values in data.items() if values.ndim}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"'{key}' {count}" for key, count in counts.items())
        findings.append(f"the data of fleet '{name}' have different numbers of rows: {told}")
    return findings


def _array_findings(who: str, parameter: cp.Parameter, values: FloatArray) -> list[str]:
    """Return what keeps rows of numbers from being values of a Parameter."""
    shape = tuple(parameter.shape)
    if not values.ndim or values.shape[1:] != shape:
        wanted = "(n, " + ", ".join(map(str, shape)) + ")" if shape else "(n,)"
        return [f"{who} must have shape {wanted}, one row for each member, not {values.shape}"]
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))[0])
        return [f"{who} must be finite, but row {row} is not"]
    if (parameter.is_nonneg() and values.min(initial=0.0) < 0) or (
        parameter.is_nonpos() and values.max(initial=0.0) > 0
    ):
        return [f"{who} is not of the sign with which its Parameter was declared"]
    return []


def group_findings(
    name: str, size: int, by: Sequence[Hashable] | None, groups: Sequence[Hashable] | None
) -> list[str]:
    """Return what is wrong with the number of members and with their labels."""
    if size == 0:
        return [f"fleet '{name}' has no members; give its data at least one row"]
    if by is None:
        if groups is None:
            return []
        return [f"fleet '{name}' has groups but no labels; say in by where each member belongs"]
    findings = []
    if len(by) != size:
        findings.append(f"by of fleet '{name}' has {len(by)} labels for {size} members")
    if groups is None:
        return findings
    if len(set(groups)) < len(groups):
        findings.append(f"groups of fleet '{name}' names a label twice")
    strange = sorted({str(label) for label in by} - {str(label) for label in groups})
    if strange:
        findings.append(f"by of fleet '{name}' has labels that are not in groups: {_few(strange)}")
    return findings


def _few(labels: list[str]) -> str:
    more = f" and {len(labels) - 5} more" if len(labels) > 5 else ""
    return ", ".join(labels[:5]) + more
