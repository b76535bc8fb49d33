"""The world of one case: a Mesa model that owns the one SimPy clock."""

import math
from collections.abc import Callable, Generator
from typing import Any

import mesa
import simpy

from equigrid.agents.shell import Shell
from equigrid.errors import Interrupted, NoAnswer, UnusableGame, WrongMethod
from equigrid.experiments.linearisation import Relinearised, Round
from equigrid.experiments.schema import Case
from equigrid.experiments.study import Study
from equigrid.experiments.systems import System, system_kind
from equigrid.markets.equilibrium import Equilibrium, Method
from equigrid.markets.games.game import Game
from equigrid.markets.messaging.faults import Faults
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.messages import Message
from equigrid.markets.messaging.posting import announce_constants, announce_outcome
from equigrid.markets.methods.exact import Exact
from equigrid.scenarios.seeds import stream
from equigrid.threads import one_blas_thread

Progress = Callable[[str], None]


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
    seconds : float, optional
        After which an exact stage ends with its best answer so far.

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
    remarks : list of str
        Sentences about what went wrong where nothing hangs on it.
    stage : str
        The one that was begun last.
    interrupted : bool
        Whether somebody interrupted it; the outcomes are then as far as it came.
    outcomes : dict of str to Equilibrium
        By stage, as the timetable goes on.
    """

    def __init__(
        self,
        study: Study,
        case: str,
        progress: Progress | None = None,
        like: System | None = None,
        seconds: float | None = None,
    ) -> None:
        super().__init__(rng=stream(study.spec.seed, f"{case}/mesa"))
        self.study = study
        self.case = next(c for c in study.spec.cases if c.name == case)
        self.like, self.seconds = like, seconds
        self.system: System = _parties(study, self.case, like)
        self.rounds: list[Round] = []
        self.shortcomings: list[str] = []
        self.remarks: list[str] = []
        self.stage, self.interrupted = "", False
        self.clock = simpy.Environment()
        kept = study.spec.messages.rounds_kept
        self.mailroom = Mailroom(self.clock, case, _faults(study, case), kept)
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
        self.begin(stage)
        announce_constants(game, self.mailroom, stage)

    def begin(self, stage: str) -> None:
        """Tell that a stage begins."""
        self.stage = stage
        self.tell(stage)

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
        """Play a game as a stage of the timetable; if interrupted, its best answer is told."""
        self.begin(stage)
        try:
            equilibrium = yield from method.play(game, self.mailroom, stage)
        except Interrupted as stop:
            if stop.equilibrium is not None:
                yield from self.conclude(stage, stop.equilibrium)
            raise
        self.outcomes[stage] = equilibrium
        return equilibrium

    def compare(self, stage: str, game: Game, method: Method) -> Generator[Any, Any, None]:
        """Play a stage that is logged and compared only: its failure ends nothing."""
        try:
            yield from self.play(stage, game, method)
        # Whatever it fails of is told, and the stages that count go on.
        except Exception as error:
            kind = "" if isinstance(error, NoAnswer) else f"{type(error).__name__}: "
            self.remarks.append(f"{stage}: {kind}{error}")
            self.tell(self.remarks[-1])

    def exact(self, stage: str, seconds: float | None = None) -> Exact:
        """Return the exact method as the study sets it.

        Parameters
        ----------
        stage : str
            Under which its progress is told.
        seconds : float, optional
            That are left; those of the world if not given.
        """
        self.stage = stage
        settings = self.study.spec.methods.exact.model_dump(exclude_none=True)
        clock = self.seconds if seconds is None else seconds
        settings |= {} if clock is None else {"seconds": clock}
        return Exact(**settings, progress=self.search_progress(stage))

    def search_progress(self, stage: str) -> Callable[[int, float, float], None]:
        """Return what a search for an equilibrium tells its nodes, answer and bound to."""

        def tell(nodes: int, answer: float, bound: float) -> None:
            self.tell(f"{stage}: {nodes} nodes, {_how_far(answer, bound)}")

        return tell

    @one_blas_thread()
    def run(self) -> dict[str, Equilibrium]:
        """Run the study's timetable to its end and return the outcomes of its stages.

        Raises
        ------
        NoAnswer, UnusableGame, WrongMethod
            With case and stage in the message.
        KeyboardInterrupt
            When somebody interrupts before there is any outcome.
        """
        try:
            self.clock.run(until=self.clock.process(self.system.day(self)))
        except KeyboardInterrupt:
            self.interrupted = True
            if not self.outcomes:
                raise
            self.tell("interrupted; the best answer so far is finished, Ctrl-C again ends at once")
        except (NoAnswer, UnusableGame, WrongMethod) as error:
            raise _placed(error, f"{self.case.name}: {self.stage}") from error
        except Exception as error:
            error.add_note(f"in case '{self.case.name}', stage '{self.stage}'")
            raise
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


def _how_far(answer: float, bound: float) -> str:
    """Say answer, bound and gap of a search, as far as there are any.

    >>> _how_far(10.0, 10.5), _how_far(float("nan"), float("inf"))
    ('answer 10.000, bound 10.500, gap 5.000 % of the answer', 'no answer yet, no bound yet')
    """
    parts = [
        f"{name} {value:.3f}" if math.isfinite(value) else f"no {name} yet"
        for name, value in (("answer", answer), ("bound", bound))
    ]
    if math.isfinite(answer) and math.isfinite(bound):
        parts.append(f"gap {100 * abs(answer - bound) / max(1.0, abs(answer)):.3f} % of the answer")
    return ", ".join(parts)


def _placed(error: Exception, where: str) -> Exception:
    """Return an error of the same kind whose message says where it arose."""
    if isinstance(error, NoAnswer):
        return type(error)(f"{where}: {error}", error.agent)
    if isinstance(error, UnusableGame):
        return UnusableGame(f"{where}: {finding}" for finding in error.findings)
    return WrongMethod(f"{where}: {error}")


def _parties(study: Study, case: Case, like: System | None) -> System:
    system: Any = system_kind(study.spec.system).parties(study, case)
    if like is not None and isinstance(system, Relinearised):
        system = system.linearised_like(like)
    result: System = system
    return result


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
