"""Figures that may be meant, and more often are not: told as warnings, never refused.

What a system has to doubt of its own parties is made of the functions here.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.experiments.spec.findings import Loc, Problem
from equigrid.experiments.spec.network_choice import NetworkChoice
from equigrid.experiments.spec.study_spec import StudySpec

if TYPE_CHECKING:
    from equigrid.grid.network.network import Network

_USUAL_PU = (0.8, 1.2)
_MOST_KA = 10.0  # of distribution lines
_LEAST_PRICE = 1.0  # per MWh; no currency has energy that cheap in every step
_APART = 50.0  # prices of one study further apart are in other units
_MOST_FRACTION = 10.0
TIMES_FEEDER = 10.0
_MOST_HOURS = 100.0  # from empty to full
# The loosest tolerances that still prove something.
_LOOSEST = {
    "regret": 0.1,
    "gap": 0.1,
    "settlement": 1.0,
    "ac_voltage_pu": 0.05,
    "ac_loading_percent": 50.0,
}


def general_doubts(spec: StudySpec, network: "Network | None") -> Iterator[Problem]:
    """Yield what is implausible in any study: place, message, guilty value."""
    if spec.network is not None and network is not None:
        yield from _voltages(spec.network, network)
        yield from _ratings(spec.network, network)
        yield from _feeder(network)
        yield from _generation(spec.network, network)
    yield from _tolerances(spec)
    yield from _gaps(spec)


def too_much(loc: Loc, power_mw: float, usable_mw: float, what: str) -> Iterator[Problem]:
    """Doubt a power of which most can never be used.

    Parameters
    ----------
    loc : tuple
    power_mw, usable_mw : float
    what : str
        What limits its use, as in "the demand and exchange_max_mw behind it".
    """
    if power_mw > usable_mw + 1e-9:
        yield (
            loc,
            f"is more than the {usable_mw:g} MW of {what}, so that part of it is never used; "
            "is it in kW?",
            power_mw,
        )


def beside_feeder(loc: Loc, power_mw: float, peak_mw: float) -> Iterator[Problem]:
    """Doubt a power that is many times the load of the feeder."""
    if peak_mw > 0 and power_mw > TIMES_FEEDER * peak_mw:
        yield (
            loc,
            f"is {power_mw / peak_mw:.0f} times the peak load of {peak_mw:.3g} MW; is it in kW?",
            power_mw,
        )


def below_peak(loc: Loc, limit_mw: float, load_mw: FloatArray, rest: str) -> Iterator[Problem]:
    """Doubt a limit on what is bought that is below the peak of the load it serves."""
    step = int(np.argmax(load_mw))
    if limit_mw < load_mw[step] - 1e-9:
        yield (
            loc,
            f"is below the feeder's own net load of {load_mw[step]:.3g} MW in step {step + 1}; "
            f"the rest has to come from {rest}",
            limit_mw,
        )


def per_kwh(loc: Loc, prices: Sequence[float] | FloatArray) -> Iterator[Problem]:
    """Doubt prices that are all so low that they look like prices per kWh."""
    if 0 < max(prices) < _LEAST_PRICE:
        yield loc, f"no price is above {max(prices):g} per MWh; are they per kWh?", None


def unlike(loc: Loc, price: float, usual: float, what: str) -> Iterator[Problem]:
    """Doubt a price that is far from another one of the study, such as one per kWh."""
    if price > 0 and usual > 0 and not 1 / _APART <= price / usual <= _APART:
        times = price / usual
        far = f"{times:.0f} times" if times > 1 else f"a {1 / times:.0f}th of"
        yield loc, f"is {far} {what}, {usual:g} per MWh; is one of them per kWh?", price


def below_all(loc: Loc, cap: float, prices: Sequence[float] | FloatArray) -> Iterator[Problem]:
    """Doubt a cap on a price at which what is sold costs more in every step."""
    if cap < min(prices):
        yield loc, f"is below every wholesale price (from {min(prices):g} per MWh)", cap


def out_of_line(loc: Loc, prices: Sequence[float] | FloatArray) -> Iterator[Problem]:
    """Doubt prices that are far from the others of their own series."""
    usual = float(np.median(prices))
    for k, price in enumerate(prices):
        if usual > 0 and (0 < price < usual / _APART or price > usual * _APART):
            yield (
                (*loc, k),
                f"is far from the others, of which half are above {usual:g}; is it in other units?",
                price,
            )


def slow(loc: Loc, energy_mwh: float, power_mw: float) -> Iterator[Problem]:
    """Doubt a storage that its power could not fill in days."""
    if power_mw > 0 and energy_mwh > _MOST_HOURS * power_mw:
        hours = energy_mwh / power_mw
        yield loc, f"takes {hours:.0f} hours to fill at {power_mw:g} MW; is it in kWh?", energy_mwh


def percent(loc: Loc, fraction: float) -> Iterator[Problem]:
    """Doubt a fraction that looks like percent."""
    if fraction > _MOST_FRACTION:
        yield loc, f"is a fraction, and means {100 * fraction:g} %; is it in percent?", fraction


def inefficient(loc: Loc, efficiency: float) -> Iterator[Problem]:
    """Doubt an efficiency that loses more than half."""
    if efficiency < 0.5:
        yield loc, f"loses {100 * (1 - efficiency):.3g} % each way; 0.95 means 95 %", efficiency


def _voltages(said: NetworkChoice, network: "Network") -> Iterator[Problem]:
    low, high = _USUAL_PU
    for name, usual in (("voltage_min_pu", (low, 1.0)), ("voltage_max_pu", (1.0, high))):
        limit = getattr(said, name)
        if not usual[0] <= limit <= usual[1]:
            yield ("network", name), f"is outside {usual[0]:g} to {usual[1]:g} p.u.", limit
    sources = network.sources
    for source in sources[sources["in_service"]].itertuples():
        if not said.voltage_min_pu <= source.vm_pu <= said.voltage_max_pu:
            yield (
                ("network", "feeder"),
                f"the source at bus {source.bus} holds {source.vm_pu:g} p.u., which is outside "
                f"the limits of {said.voltage_min_pu:g} to {said.voltage_max_pu:g}",
                None,
            )


def _ratings(said: NetworkChoice, network: "Network") -> Iterator[Problem]:
    from equigrid.grid.network.tables import UNRATED_KA  # noqa: PLC0415  pandas takes long

    for name, rating in said.ratings_ka.items():
        if rating > _MOST_KA:
            yield ("network", "ratings_ka", name), "is a rating in kA; is it in A?", rating
    lines = network.tables["lines"]
    high = lines[lines["rating_ka"].between(_MOST_KA, UNRATED_KA, inclusive="neither")]
    for line in high[~high["name"].isin(said.ratings_ka)].itertuples():
        yield (
            ("network", "feeder"),
            f"line {line.name!r} is rated {line.rating_ka:g} kA; is it in A?",
            None,
        )


def _feeder(network: "Network") -> Iterator[Problem]:
    """Yield what the feeder says that the study leaves out, and loads that are odd."""
    place = ("network", "feeder")
    yield from ((place, note, None) for note in network.notes)
    for table, noun, odd in (
        ("loads", "load", "feeds in, and follows the load profile; make it a generator"),
        ("generators", "generator", "takes, and pays for nothing; make it a load"),
    ):
        rows = network.tables[table]
        for row in rows[rows["in_service"] & (rows["p_mw"] < 0)].itertuples():
            named = f" {row.name!r}" if row.name else ""
            yield place, f"the {noun}{named} at bus {row.bus} has {row.p_mw:g} MW: it {odd}", None
    if not network.buses["load_mw"].any():
        yield place, "the feeder has no load of its own", None


def _generation(choice: NetworkChoice, network: "Network") -> Iterator[Problem]:
    said = choice.generation_profile
    generation = network.buses["generation_mw"]
    at = [str(bus) for bus in generation.index[generation != 0]]
    shown = ", ".join(at[:5]) + (", …" if len(at) > 5 else "")
    if at and said is None:
        yield (
            ("network", "feeder"),
            f"the feeder generates {generation.sum():.3g} MW (at bus {shown}) in every step; give "
            "generation_profile under network, if it follows the sun or the wind",
            None,
        )
    if not at and said is not None:
        yield ("network", "generation_profile"), "the feeder has no generation", None


def _tolerances(spec: StudySpec) -> Iterator[Problem]:
    for name, loosest in _LOOSEST.items():
        allowed = getattr(spec.certificate, name)
        if allowed > loosest:
            yield ("certificate", name), "allows so much that it certifies little", allowed


def _gaps(spec: StudySpec) -> Iterator[Problem]:
    """Yield gaps at which the stage that gives the result may stop too early."""
    methods = [entry.method for entry in getattr(spec, "timetable", ())]
    field = {"exact": "exact", "best-response": "best_response"}.get(methods[-1] if methods else "")
    settings = getattr(spec.methods, str(field), None)
    asked = spec.certificate.gap
    if settings is not None and settings.gap is not None and settings.gap > asked:
        yield (
            ("methods", str(field), "gap"),
            f"is wider than the certificate asks for, {asked:g} (certificate.gap): the search may "
            "stop at an answer that is not certified; make it no wider",
            settings.gap,
        )
