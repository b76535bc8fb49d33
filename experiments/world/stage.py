"""A stage: what one step of a timetable left as evidence, and the checks that it has to pass."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.experiments.world.ends import End, end_check
from equigrid.experiments.world.ledger import Entry, Transfer
from equigrid.experiments.world.operation import Operation, side_by_side
from equigrid.markets.accounts.settlement import transfers
from equigrid.markets.certification.certificate import Certificate
from equigrid.markets.certification.check import Check
from equigrid.markets.decision import Decision
from equigrid.markets.equilibrium import Equilibrium
from equigrid.markets.model.said_values import SaidValues


@dataclass(frozen=True)
class LinearRound:
    """One answer and how far AC power flow is from the linear network that it was found on."""

    number: int
    error_pu: float


@dataclass(eq=False)
class Stage:
    """What a stage left.

    Attributes
    ----------
    name : str
    binding : bool
        Whether its checks count; what is not binding is shown and compared.
    equilibrium : Equilibrium or None
        Of the game that was played.
    decisions : list of Decision
        Of agents that decided alone, in order.
    operations : list of Operation
    own_checks : list of Check
        Asked by the study itself.
    ledger : list of Entry
    linear_rounds : list of LinearRound
        Of the linear network.
    end : End
        How its search ended.
    failure : str
        Why there is no answer, where nothing hangs on it.
    tolerance : Mapping of str to float
        What its checks are held against.
    """

    name: str
    tolerance: Mapping[str, float]
    binding: bool = True
    equilibrium: Equilibrium | None = None
    decisions: list[Decision] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    own_checks: list[Check] = field(default_factory=list)
    ledger: list[Entry] = field(default_factory=list)
    linear_rounds: list[LinearRound] = field(default_factory=list)
    end: End = field(default_factory=End)
    failure: str = ""
    _schedules: dict[str, FloatArray] = field(default_factory=dict, repr=False)

    @property
    def values(self) -> Mapping[str, FloatArray]:
        """Everything said at the answer, and what was decided, by ``"agent.quantity"``.

        Of decisions of which a part is implemented, these parts one behind the other.
        """
        said = {} if self.equilibrium is None else dict(self.equilibrium.values)
        return SaidValues({**said, **self._schedules})

    @property
    def outcome(self) -> Equilibrium | Decision | None:
        """What the stage came to: the answer of its game, or else its last decision."""
        return self.equilibrium or (self.decisions[-1] if self.decisions else None)

    @property
    def operation(self) -> Operation | None:
        """AC power flow of the stage, all of it side by side; None where there was none."""
        return side_by_side(self.operations) if self.operations else None

    @property
    def certificate(self) -> Certificate | None:
        """Of the game, with what AC power flow says; of AC alone where there was no game."""
        operation = self.operation
        if self.equilibrium is None and operation is None:
            return None
        of_game = Certificate() if self.equilibrium is None else self.equilibrium.certificate
        return of_game if operation is None else of_game.with_ac(operation.findings)

    @property
    def transfers(self) -> list[Transfer]:
        """Who pays whom how much: payments of the game, then the ledger."""
        game = self.equilibrium
        paid = [] if game is None else transfers(game.game, game.values)
        return [*paid, *(entry.transfer for entry in self.ledger)]

    def record(self, decision: Decision, implement: slice | None) -> None:
        """Keep a decision; what it implements is put behind what was implemented before."""
        self.decisions.append(decision)
        for path, value in decision.values.items():
            if implement is None:
                self._schedules[path] = value
            else:
                part = np.atleast_1d(value)[..., implement]
                before = self._schedules.get(path)
                self._schedules[path] = (
                    part if before is None else np.concatenate([before, part], axis=-1)
                )

    @property
    def checks(self) -> tuple[Check, ...]:
        """Everything that was asked of the stage, whether it holds or not."""
        return (*self._of_answers(), *self.own_checks)

    def _of_answers(self) -> Iterator[Check]:
        if self.equilibrium is not None:
            yield from self.equilibrium.checks(self.tolerance)
        yield from end_check(self.end)
        yield from worst_of([decision.checks(self.tolerance) for decision in self.decisions])
        if self.operations:
            operation = self.operation
            assert operation is not None
            yield from operation.findings.checks(self.tolerance)


def worst_of(asked: list[tuple[Check, ...]]) -> Iterator[Check]:
    """Yield of each question the worst of many answers, such as those of 96 decisions.

    Where a check does not hold it is worse than any that does; otherwise the greatest share of
    what is allowed counts. What nothing is asked of is told of a single decision only.
    """
    by_question: dict[str, list[Check]] = {}
    for check in (check for checks in asked for check in checks):
        by_question.setdefault(check.question, []).append(check)
    for same in by_question.values():
        if len(same) == 1 or same[0].holds is not None:
            yield max(same, key=_badness)


def _badness(check: Check) -> tuple[bool, float]:
    measured = check.measured
    known = measured is not None and measured == measured  # noqa: PLR0124  NaN differs from itself
    return check.holds is False, float(measured) if known and measured is not None else np.inf
