"""The world of one case: a Mesa model that owns the one SimPy clock."""

from collections.abc import Callable, Generator
from typing import Any

import mesa
import simpy

from equigrid.agents.shell import Shell
from equigrid.experiments.linearisation import Relinearised, Round
from equigrid.experiments.schema import Case
from equigrid.experiments.study import Study
from equigrid.experiments.systems import System, system_kind
from equigrid.markets.answers import announce_constants, announce_outcome
from equigrid.markets.equilibrium.method import Equilibrium, Method
from equigrid.markets.faults import Faults
from equigrid.markets.game import Game
from equigrid.markets.mailroom import Mailroom
from equigrid.markets.messages import Message
from equigrid.scenarios.seeds import stream
from equigrid.threads import one_blas_thread


class World(mesa.Model):  # type: ignore[misc]
    """Parties, mailroom and network of one case of a study, on one clock.

    Parameters
    ----------
    study : Study
    case : str
        Name of the case.
    progress : callable, optional
        Told a short sentence whenever a stage begins.
    like : System, optional
        Of another case, whose linear network is used as it is.

    Attributes
    ----------
    clock : simpy.Environment
        In minutes. Mesa's own time is not used.
    mailroom : Mailroom
    system : System
        The parties of this case, their game and their timetable; replaced where the linear
        network is renewed.
    rounds : list of Round
        Of the linear network.
    shortcomings : list of str
        Sentences about what went wrong on the way, for the certificate.
    outcomes : dict of str to Equilibrium
        By stage, as the timetable goes on.
    """

    def __init__(
        self,
        study: Study,
        case: str,
        progress: Callable[[str], None] | None = None,
        like: System | None = None,
    ) -> None:
        super().__init__(rng=stream(study.spec.seed, f"{case}/mesa"))
        self.study = study
        self.case = next(c for c in study.spec.cases if c.name == case)
        self.like = like
        self.system: System = _parties(study, self.case, like)
        self.rounds: list[Round] = []
        self.shortcomings: list[str] = []
        self.clock = simpy.Environment()
        self.mailroom = Mailroom(self.clock, case, _faults(study, case))
        self.outcomes: dict[str, Equilibrium] = {}
        self._progress = progress or (lambda text: None)
        self._shells: dict[str, Shell] = {}
        self.mailroom.watch(self._said)
        self.mailroom.watch(self._heard, delivered=True)

    def at(self, minute: int) -> simpy.Event:
        """Return the event of that minute of the day."""
        return self.clock.timeout(minute - int(self.clock.now))

    def publish(self, game: Game, stage: str) -> None:
        """Let parties without a problem announce what they know to those who hear it."""
        self.tell(stage)
        announce_constants(game, self.mailroom, stage)

    def tell(self, text: str) -> None:
        """Tell what begins."""
        self._progress(f"{self.case.name}: {text}")

    def conclude(self, stage: str, outcome: Equilibrium) -> Generator[Any, Any, Equilibrium]:
        """Let the parties exchange an answer that was found already, as the end of a stage."""
        announce_outcome(outcome.game, outcome.values, self.mailroom, stage)
        yield self.clock.timeout(0)
        self.outcomes[stage] = outcome
        return outcome

    def play(self, stage: str, game: Game, method: Method) -> Generator[Any, Any, Equilibrium]:
        """Play a game as a stage of the timetable."""
        self.tell(stage)
        equilibrium = yield from method.play(game, self.mailroom, stage)
        self.outcomes[stage] = equilibrium
        return equilibrium

    def search_progress(self, stage: str) -> Callable[[int, float, float], None]:
        """Return what a search for an equilibrium tells its nodes, answer and bound to."""

        def tell(nodes: int, answer: float, bound: float) -> None:
            gap = abs(answer - bound) / max(1.0, abs(answer))
            self._progress(
                f"{self.case.name}: {stage}: {nodes} nodes, answer {answer:.3f}, "
                f"bound {bound:.3f}, gap {100 * gap:.3f} %"
            )

        return tell

    @one_blas_thread()
    def run(self) -> dict[str, Equilibrium]:
        """Run the study's timetable to its end and return the outcomes of its stages."""
        self.clock.run(until=self.clock.process(self.system.day(self)))
        return self.outcomes

    def shell(self, party: str) -> Shell:
        """Return the Mesa agent of a party, made when it is first met."""
        if party not in self._shells:
            self._shells[party] = Shell(self, party)
        return self._shells[party]

    def _said(self, message: Message) -> None:
        for party in (message.sender, message.receiver):
            self.shell(party)  # both are met, even when the message gets lost
        self.shell(message.sender).notice(message)

    def _heard(self, message: Message) -> None:
        self.shell(message.receiver).notice(message)


def _parties(study: Study, case: Case, like: System | None) -> System:
    system: Any = system_kind(study.spec.system).parties(study, case)
    if like is not None and isinstance(system, Relinearised):
        system = system.linearised_like(like)
    found: System = system
    return found


def _faults(study: Study, case: str) -> Faults:
    """What happens to messages in a case; each case has luck of its own."""
    said = study.spec.messages
    return Faults(
        loss=said.loss,
        delay_rounds=said.delay_rounds,
        duplicate=said.duplicate,
        silent={party.name: party.after_round for party in said.silent},
        seed=int(stream(study.spec.seed, f"{case}/messages").integers(2**63)),
    )
