"""The evidence of a case: its stages, and the verbs that add checks and money to them."""

from dataclasses import replace

from equigrid.experiments.spec.study import StudyCase
from equigrid.experiments.spec.study_spec import StudySpec
from equigrid.experiments.world.arguments import one_number
from equigrid.experiments.world.case_run import CaseRun
from equigrid.experiments.world.ledger import Entry, balance_checks
from equigrid.experiments.world.stage import Stage
from equigrid.grid.network.network import Network
from equigrid.markets.certification.check import Check
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.messages import Settlement


class Evidence:
    """What a case leaves, stage by stage."""

    spec: StudySpec
    case: StudyCase
    stages: dict[str, Stage]
    mailroom: Mailroom
    _network: Network | None

    def check(
        self,
        stage: str,
        question: str,
        measured: float,
        allowed: float,
        *,
        unit: str = "",
        part: str = "",
        how: str = "",
    ) -> Check:
        """Ask something of a stage: it holds where ``measured <= allowed``."""
        if not isinstance(question, str) or not question.strip():  # type: ignore[redundant-expr]
            raise ValueError(f"a check needs a question (got {question!r})")
        found = one_number(measured, f"what is measured of '{question}'")
        most = one_number(allowed, f"what is allowed of '{question}'")
        shown = f"{question}: {found:.6g}, where {most:.6g} is allowed"
        asked = Check.asked(
            question,
            found,
            most,
            unit=unit,
            part=part or "The study",
            how=how,
            shortfall=f"{shown}{f' ({unit})' if unit else ''}",
        )
        self.stage(stage).own_checks.append(asked)
        return asked

    def pay(self, stage: str, name: str, payer: str, payee: str, amount: float) -> None:
        """Book money from payer to payee beside the payments of games."""
        entry = Entry(name, payer, payee, one_number(amount, f"the amount of payment '{name}'"))
        self.stage(stage).ledger.append(entry)
        bill = Settlement(sender=payer, receiver=payee, payment=name, amount=entry.amount)
        self.mailroom.post(replace(bill, stage=stage))

    def balanced(self, stage: str, *parties: str) -> None:
        """Ask that what each of these parties receives and pays in a stage nets to zero."""
        if not parties:
            raise ValueError("world.balanced needs the parties who must net to zero")
        evidence = self.stage(stage)
        evidence.own_checks += balance_checks(evidence.transfers, parties)

    def stage(self, name: str) -> Stage:
        """Return the evidence of a stage, which begins with the first that is known of it."""
        if not isinstance(name, str) or not name:  # type: ignore[redundant-expr]
            raise ValueError(f"a stage needs a name (got {name!r})")
        if name not in self.stages:
            self.stages[name] = Stage(name, self.spec.certificate.model_dump())
        return self.stages[name]

    @property
    def interrupted(self) -> bool:
        """Whether somebody interrupted the day."""
        return False

    @property
    def case_run(self) -> CaseRun:
        """What the case left so far."""
        return CaseRun(
            self.spec, self.case, self._network, self.stages, interrupted=self.interrupted
        )
