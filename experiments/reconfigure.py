"""The best switching of a feeder beside its own: figures, tables, picture."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from equigrid.experiments.operation import Operation
from equigrid.experiments.report.figures import svg
from equigrid.experiments.report.figures_switching import switching
from equigrid.experiments.whole import write_whole
from equigrid.grid.network.feeders import write_network
from equigrid.grid.network.network import Network
from equigrid.grid.switching.best_configuration import BestConfiguration, best_configuration

_AIMS = {
    "loss": ("losses", "kW", 1e3),
    "voltage": ("least voltage", "p.u.", 1.0),
    "balance": ("sum of squared loadings", "", 1.0),
}


@dataclass(frozen=True, eq=False)
class Reconfiguration:
    """A feeder as it was and as it is best switched.

    Attributes
    ----------
    best : BestConfiguration
        How the best was found and what was proved.
    before, after : Operation
        Both at the feeder's nominal loads.
    """

    best: BestConfiguration
    before: Operation
    after: Operation

    def lines(self) -> Iterator[str]:
        """Yield a table of before and after, and what was proved."""
        name, branches = self.after.network.name, self.after.network.branches
        yield f"{name}: {len(self.after.network.buses)} buses, {len(branches)} branches"
        yield f"{'':<26}{'before':>12}{'after':>12}"
        for label, unit, scale, digits in _ROWS:
            cells = [
                f"{_cell(getattr(state, label[1]) * scale, digits):>12}"
                for state in (self.before, self.after)
            ]
            yield f"{label[0] + ', ' + unit:<26}{''.join(cells)}"
        for word, state in (("before", self.before), ("after", self.after)):
            yield f"open {word}: {', '.join(state.open_branches) or 'none'}"
        yield from self._flaws()
        yield _proof(self.best)

    def _flaws(self) -> Iterator[str]:
        for finding in self.before.network.radial_findings():
            yield f"before: {finding}"

    def write(self, directory: str | Path, *, replace: bool = True) -> None:
        """Write ``summary.json``, ``branches.csv``, ``switching.svg`` and ``network.json``.

        Parameters
        ----------
        directory : str or Path
            Replaced if equigrid wrote it, and all that is in it.
        replace : bool
            Whether it may be replaced at all.

        Raises
        ------
        UnusablePlace
            When the directory may not or cannot be written; what was there is as it was.
        """
        manifest = {
            "format": "equigrid-reconfiguration-1",
            "feeder": self.after.network.name,
            "versions": {"equigrid": version("equigrid")},
        }
        write_whole(directory, manifest, self._fill, replace=replace)

    def _fill(self, directory: Path) -> None:
        text = json.dumps(self.summary(), indent=1, allow_nan=False) + "\n"
        (directory / "summary.json").write_text(text, encoding="utf-8")
        self.branches().to_csv(directory / "branches.csv", index=False, lineterminator="\n")
        picture = svg(lambda: switching(self.before, self.after))
        (directory / "switching.svg").write_text(picture, encoding="utf-8")
        write_network(self.after.network, directory / "network.json")

    def summary(self) -> dict[str, Any]:
        """Return what was found and proved, as plain data; null for what is not known."""
        best = self.best
        kept = ("objective", "method", "configurations", "power_flows", "proved")
        return {
            "feeder": self.after.network.name,
            **{key: getattr(best, key) for key in kept},
            "bound": _known(best.bound),
            "gap": _known(best.gap),
            "balance_index": best.balance_index,
            "before": _figures(self.before),
            "after": _figures(self.after),
        }

    def branches(self) -> pd.DataFrame:
        """Return a row for each branch: its state and its current before and after."""
        table = self.after.network.branches[["name", "kind", "from_bus", "to_bus", "rating_ka"]]
        states = {"before": self.before, "after": self.after}
        for word, state in states.items():
            table[f"closed_{word}"] = state.network.branches["closed"]
        for word, state in states.items():
            table[f"current_{word}_ka"] = state.current_ka
        return table


_ROWS = (
    (("losses", "loss_mw"), "kW", 1e3, 3),
    (("losses by pandapower", "loss_ac_mw"), "kW", 1e3, 3),
    (("least voltage", "voltage_min_pu"), "p.u.", 1.0, 5),
    (("greatest loading", "loading_max_percent"), "%", 1.0, 2),
)


def reconfigured(network: Network, **asked: Any) -> Reconfiguration:
    """Look for the best switching; keywords are those of :func:`best_configuration`."""
    best = best_configuration(network, **asked)
    return Reconfiguration(best, Operation.of(network), Operation.of(best.network))


def _figures(state: Operation) -> dict[str, Any]:
    figures = {attribute: _known(getattr(state, attribute)) for (_, attribute), *_ in _ROWS}
    return {"status": state.status, "open_branches": state.open_branches, **figures}


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _cell(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"


def _proof(best: BestConfiguration) -> str:
    """Say what is known of all the other configurations."""
    count = f"{best.configurations:,}"
    if best.configurations == 1:
        return "proved: there is no other radial configuration"
    if best.method == "enumeration":
        return f"proved: all {count} radial configurations were evaluated"
    said = f"{best.method} over {best.power_flows:,} power flows, of {count} radial configurations"
    if math.isnan(best.bound):
        return f"NOT proved: {said}; no bound was asked for"
    aim, unit, scale = _AIMS[best.objective]
    more = "more" if best.objective == "voltage" else "less"
    bound = f"{best.bound * scale:.6g} {unit}".strip()
    proved = "proved" if best.proved else "NOT proved"
    return f"{proved}: {said}; none has {more} {aim} than {bound} (gap {best.gap:.1e})"
