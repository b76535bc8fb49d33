"""The result of a case: its certificate, checks, KPIs, and how its answers were found."""

import math
from collections.abc import Mapping
from typing import Any

from equigrid.experiments.result import CaseResult, StageCheck
from equigrid.experiments.running.case_certificate import case_certificate
from equigrid.experiments.strict import in_words
from equigrid.experiments.world.case_run import CaseRun
from equigrid.experiments.world.kpi import Kpi
from equigrid.experiments.world.stage import Stage
from equigrid.markets.certification.check import Check
from equigrid.markets.equilibrium import Equilibrium


def case_result(
    run: CaseRun,
    kpis: Mapping[str, Kpi],
    failures: tuple[str, ...] = (),
    remarks: tuple[str, ...] = (),
) -> CaseResult:
    """Return what a case came to.

    Parameters
    ----------
    run : CaseRun
    kpis : Mapping of str to Kpi
    failures : tuple of str
        Sentences about what could not be read of the run.
    remarks : tuple of str
        Sentences about the run as a whole, on which nothing hangs.
    """
    checks = [
        StageCheck(stage.name, stage.binding, check)
        for stage in run.stages.values()
        for check in (*stage.checks, *_of_failure(stage))
    ]
    checks += [StageCheck("", True, _not_finite(n, k)) for n, k in kpis.items() if _odd(k)]
    if not any(check.binding for check in checks):
        checks.append(StageCheck("", True, _nothing_asked()))
    return CaseResult(
        run.case.name,
        kpis,
        case_certificate(run.binding),
        tuple(checks),
        failures,
        notes=_notes(run),
        remarks=(*_remarks(run), *remarks),
        stopped_by=next((s.end.by for s in reversed(run.binding) if s.end.by), ""),
    )


def _odd(kpi: Kpi) -> bool:
    return not math.isfinite(kpi.value)


def _not_finite(name: str, kpi: Kpi) -> Check:
    said = in_words(kpi.value)
    return Check(
        f"Whether the figure '{name}' is a number",
        None,
        holds=False,
        part="The study",
        shortfall=f"the figure '{name}' is {said}",
        words=(said, "finite"),
    )


def _nothing_asked() -> Check:
    return Check(
        "What is asked of the case",
        None,
        part="The study",
        words=("nothing: no game, no decision, no power flow, no check", "nothing"),
    )


def _of_failure(stage: Stage) -> tuple[Check, ...]:
    if not stage.failure:
        return ()
    words = ("no answer", "")
    return (Check("The answer", None, holds=False, shortfall=stage.failure, words=words),)


def _remarks(run: CaseRun) -> tuple[str, ...]:
    """Return sentences about what nothing hangs on."""
    failed = [stage.failure for stage in run.stages.values() if stage.failure]
    ended = [s.end.sentence for s in run.binding if s.end.sentence and not s.end.binding]
    return (*failed, *ended)


def _notes(run: CaseRun) -> dict[str, Any]:
    """Say how answers were found: method and its work, rounds, and the negotiation beside."""
    played = [(s, s.equilibrium) for s in run.stages.values() if s.equilibrium is not None]
    if not played:
        return {}
    stage, last = played[-1]
    notes: dict[str, Any] = {"method": last.method, **last.statistics}
    talk = next((found for _, found in played if found.method == "best-response"), None)
    if talk is not None:
        notes |= _talk_notes(talk, last)
    if stage.linear_rounds:
        end = stage.linear_rounds[-1]
        notes |= {"linear_rounds": end.number, "linear_error_pu": end.error_pu}
    return notes


def _talk_notes(talk: Equilibrium, last: Equilibrium) -> dict[str, Any]:
    notes: dict[str, Any] = {
        "negotiation_settled": talk.settled,
        "negotiation_rounds": int(talk.statistics.get("rounds", len(talk.rounds))),
    }
    profit, exact = talk.leader_objective, last.leader_objective
    if profit is None or exact is None:
        return notes
    leads_up = last.game.agent(str(last.game.leader)).maximises
    notes |= {
        "negotiation_round": _best_round(talk.rounds, leads_up=leads_up),
        "negotiation_profit": profit,
        "negotiation_maximises": leads_up,
    }
    if last is talk:  # there is no optimum to compare it with
        return notes
    worse = exact - profit if leads_up else profit - exact
    return {**notes, "negotiation_distance": worse / max(1.0, abs(exact))}


def _best_round(rounds: tuple[Any, ...], *, leads_up: bool) -> int:
    """Return the number of the round in which the leader did best, the first of several."""
    sign = 1.0 if leads_up else -1.0
    known = [record for record in rounds if record["realised"] is not None]
    best = max(known, key=lambda record: sign * record["realised"], default={"round": len(rounds)})
    return int(best["round"])
