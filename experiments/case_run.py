"""One case of a study as it goes: its world, its outcome, and what AC power flow says of it."""

import math
import time
from typing import Any

import numpy as np

from equigrid.arrays import BoolArray
from equigrid.experiments.ends import explained_end
from equigrid.experiments.refusals import refuse_infeasible_case
from equigrid.experiments.result import CaseResult, Kpi
from equigrid.experiments.spec.study import Study
from equigrid.experiments.strict import in_words
from equigrid.experiments.systems import Dispatch, System
from equigrid.experiments.world import Progress, World
from equigrid.grid.verified_flow import VerifiedFlow, verified_flow
from equigrid.markets.certification.certificate import AcFindings

GOES_ON = "interrupted: what was found is written; Ctrl-C again ends at once"


class EndedAtOnce(KeyboardInterrupt):
    """Somebody interrupted a second time."""


class CaseRun:
    """A case, played when it is made.

    Parameters
    ----------
    study : Study
    name : str
        Of the case.
    progress : callable
    like : System, optional
        Of another case, whose linear network is used.
    seconds : float, optional
        After which every search for an equilibrium ends.

    Attributes
    ----------
    outcomes : Mapping of str to Equilibrium
        By stage.
    outcome : Equilibrium
        The last of them.
    system : System
    ac : AcResult
    seconds : dict of str to float
        What took how long.
    interrupted : bool
        Whether somebody interrupted it, if only its AC power flow.

    Raises
    ------
    KeyboardInterrupt
        When somebody interrupts before there is any answer.
    EndedAtOnce
        When somebody interrupts a second time.
    """

    def __init__(
        self,
        study: Study,
        name: str,
        progress: Progress,
        like: System | None = None,
        seconds: float | None = None,
    ) -> None:
        self.name, self.seconds = name, {}
        self.world = World(study, name, progress, like, seconds)
        self.study = self.world.study
        refuse_infeasible_case(self.world)
        began = time.perf_counter()
        self.outcomes = self.world.run()
        self.system = self.world.system
        self.outcome = list(self.outcomes.values())[-1]
        self.talk = next((o for o in self.outcomes.values() if o.method == "best-response"), None)
        self.seconds["stages"] = time.perf_counter() - began
        self.interrupted = self.world.interrupted
        progress(f"{name}: AC power flow of every scenario and hour")
        self._judge()

    def _judge(self) -> None:
        """Run AC power flow; one interrupt is forgiven, so that the answer is not lost."""
        try:
            began = time.perf_counter()
            self.dispatch = self.system.dispatch(self.outcome)
            self.judged = _judged(self.study, self.dispatch)
            self.ac = self.judged.result
            self.seconds["ac"] = time.perf_counter() - began
        except KeyboardInterrupt as again:
            if self.interrupted:
                raise EndedAtOnce from again
            self.interrupted = True
            self.world.tell(GOES_ON)
            self._judge()

    def findings(self) -> AcFindings:
        """Hold the AC results against the limits of the study."""
        limits = self.system.study.spec.network
        assert limits is not None
        off = self.ac.violations(limits.voltage_min_pu, limits.voltage_max_pu)
        # Columns that do not converge have no voltage; that they exist is told beside.
        findings = self.ac.converged & self._enforced()
        return AcFindings(
            required=self.world.case.ac,
            converged=bool(self.ac.converged.all()),
            max_voltage_violation_pu=float(off.voltage_pu[:, findings].max(initial=0.0)),
            max_loading_violation_percent=float(off.loading_percent[:, findings].max(initial=0.0)),
            max_linear_voltage_error_pu=self._linear_error(findings),
            columns=len(findings),
            judged_columns=int(np.count_nonzero(self.judged.judged)),
            max_route_difference_pu=self.judged.difference_pu,
        )

    def _enforced(self) -> BoolArray:
        columns = self.dispatch.enforced
        return np.ones_like(self.ac.converged) if columns is None else columns

    def _linear_error(self, found: BoolArray) -> float | None:
        if self.dispatch.voltage_pu is None:
            return None
        off = np.abs(self.dispatch.voltage_pu - self.ac.voltage_pu)
        return float(off[:, found].max(initial=0.0))

    def result(self, kpis: dict[str, Kpi]) -> CaseResult:
        """Return what the case came to, held against the study's tolerances."""
        certificate = self.outcome.certificate.with_ac(self.findings())
        result = certificate.shortcomings(
            self.study.spec.certificate.model_dump(), proven=self.outcome.method == "exact"
        )
        if not self.outcome.settled and self.outcome.method == "best-response":
            result.append("the negotiation did not settle within its round limit")
        result += [
            f"the figure '{name}' is {in_words(kpi.value)}"
            for name, kpi in kpis.items()
            if not math.isfinite(kpi.value)
        ]
        end = explained_end(self)
        if end.binding:
            result.append(end.sentence)
        remarks = [*self.world.remarks, *([end.sentence] if end.sentence else [])]
        notes: dict[str, Any] = {"method": self.outcome.method, **self.outcome.statistics}
        notes |= self._talk_notes() | self._round_notes()
        return CaseResult(
            self.name,
            kpis,
            certificate,
            (*result, *self.world.shortcomings),
            notes,
            remarks=tuple(text for text in remarks if text not in result),
            stopped_by=end.by,
        )

    def _round_notes(self) -> dict[str, Any]:
        """Say how often the linear network was expanded, and how far AC was from the last one."""
        rounds = self.world.rounds
        if not rounds:
            return {}
        return {"linear_rounds": rounds[-1].number, "linear_error_pu": rounds[-1].error_pu}

    def _talk_notes(self) -> dict[str, Any]:
        if self.talk is None:
            return {}
        talk = {
            "negotiation_settled": self.talk.settled,
            "negotiation_rounds": int(self.talk.statistics["rounds"]),
        }
        profit, exact = self.talk.leader_objective, self.outcome.leader_objective
        if profit is None or exact is None:
            return talk
        leads_up = self.outcome.game.agent(str(self.outcome.game.leader)).maximises
        worse = exact - profit if leads_up else profit - exact
        return {
            **talk,
            "negotiation_round": _best_round(self.talk.rounds, leads_up=leads_up),
            "negotiation_profit": profit,
            "negotiation_distance": worse / max(1.0, abs(exact)),
            "negotiation_maximises": leads_up,
        }


def _best_round(rounds: tuple[Any, ...], *, leads_up: bool) -> int:
    """Return the number of the round in which the leader did best, the first of several."""
    sign = 1.0 if leads_up else -1.0
    known = [record for record in rounds if record["realised"] is not None]
    best = max(known, key=lambda record: sign * record["realised"], default={"round": len(rounds)})
    return int(best["round"])


def _judged(study: Study, dispatch: Dispatch) -> VerifiedFlow:
    said = study.spec.network
    assert said is not None
    limits = said.voltage_min_pu, said.voltage_max_pu
    loads = dispatch.net_load_mw, dispatch.net_load_mvar
    return verified_flow(study.feeder, *loads, *limits, dispatch.parts)
