"""Playing games as stages of a day: settings, progress, linear networks, and interruptions."""

from collections.abc import Callable, Generator
from typing import Any, TypeVar

from equigrid.errors import Interrupted, NoAnswer, SolverFailed, UnusableGame, WrongMethod
from equigrid.experiments.world.ends import end_of, interrupted_at, interrupted_before
from equigrid.experiments.world.feasibility import refuse_infeasible
from equigrid.experiments.world.linear_network import Fitting, Renew, certified, fitted
from equigrid.experiments.world.method_settings import configured, progress_of, settings_name
from equigrid.experiments.world.run_options import Progress
from equigrid.experiments.world.stage import Stage
from equigrid.markets.equilibrium import Equilibrium, Method
from equigrid.markets.games.game import Game
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.posting import announce_outcome

T = TypeVar("T")
GOES_ON = "interrupted: what was found is written; Ctrl-C again ends at once"
# Asking each of so many parties whether it has a feasible answer takes no time worth naming.
_ASKED_FIRST = 50
_FITTED = (20, 1e-3)  # rounds and p.u., where a study does not say how to fit a linear network


class EndedAtOnce(KeyboardInterrupt):
    """Somebody interrupted a second time."""


class Probed(BaseException):
    """A day that was to go as far as its first game, to see whether its parties are feasible."""


class Playing:
    """Games of one case, played one after the other.

    Parameters
    ----------
    spec : StudySpec
        Of the case.
    mailroom : Mailroom
        On whose clock all is played.
    options : RunOptions
    tell : callable
        Told what begins.

    Attributes
    ----------
    stage : str
        The one that was begun last.
    interrupted : bool
        Whether somebody interrupted the day.
    """

    def __init__(self, spec: Any, mailroom: Mailroom, options: Any, tell: Progress) -> None:
        self._spec, self._mailroom, self._options, self._tell = spec, mailroom, options, tell
        self.stage, self.interrupted = "", False
        self._unanswered: Stage | None = None  # that was begun when somebody interrupted
        self._asked: dict[int, Game] = {}  # kept, so that no other has its id
        self.methods: set[str] = set()

    def begin(self, stage: str) -> None:
        """Tell that a stage begins, where it is another one."""
        if self.stage != stage:
            self.stage = stage
            self._tell(stage)

    def play(
        self, stage: Stage, game: Game, method: Method, renew: Renew | None
    ) -> Generator[Any, Any, Equilibrium | None]:
        """Play a game as a stage; a failure of one that is not binding is only told."""
        if stage.equilibrium is not None:
            raise ValueError(
                f"stage '{stage.name}' has played a game already; give each a stage of its own"
            )
        if stage.decisions:
            raise ValueError(f"stage '{stage.name}' has decisions; give games a stage of their own")
        self.begin(stage.name)
        if self.interrupted:
            self._unanswered = stage
            raise Interrupted
        try:
            return (yield from self._answered(stage, self._in_steps(game), method, renew))
        except Exception as error:
            if stage.binding:
                raise
            # Whatever it fails of is told, and the stages that count go on.
            kind = "" if isinstance(error, NoAnswer) else f"{type(error).__name__}: "
            stage.failure = f"{stage.name}: {kind}{error}"
            self._tell(stage.failure)
            return None

    def _in_steps(self, game: Game) -> Game:
        """Return the game with the steps of the study, unless it says otherwise."""
        return game if game.step_hours is not None else game.with_step_hours(self._spec.step_hours)

    def _answered(
        self, stage: Stage, game: Game, method: Method, renew: Renew | None
    ) -> Generator[Any, Any, Equilibrium]:
        self._refuse_infeasible(game)
        used = self._configured(method, stage.name)
        try:
            if renew is None:
                answer = yield from used.play(game, self._mailroom, stage.name)
            else:
                answer = yield from self._fitted(stage, game, used, renew)
        except Interrupted as stop:
            self.interrupted = True
            if stop.equilibrium is None:
                self._unanswered = stage
                raise
            answer = yield from self._told(stage.name, stop.equilibrium)
            stage.end = interrupted_at(stage.name)
        except NoAnswer as error:
            self._explain(game, error)
            raise
        else:
            limits = getattr(used, "node_limit", None), getattr(used, "seconds", None)
            gap = stage.tolerance["gap"]
            stage.end = end_of(stage.name, answer, gap, *limits)
        stage.equilibrium = answer
        return answer

    def _configured(self, method: Method, stage: str) -> Method:
        name = settings_name(method)
        self.methods.add(name)
        stated = getattr(self._spec.methods, name).stated() if name else {}
        told = progress_of(method, lambda text: self._tell(f"{stage}: {text}"))
        return configured(method, stated, seconds=self._options.seconds, progress=told)

    def _fitted(
        self, stage: Stage, game: Game, method: Method, renew: Renew
    ) -> Generator[Any, Any, Equilibrium]:
        network = self._spec.network
        asked = None if network is None else network.linearisation
        rounds, tolerance = _FITTED if asked is None else (asked.rounds, asked.tolerance_pu)
        fitting = Fitting(rounds, tolerance, self._options.seconds, self._tell)

        def in_steps(answer: Any) -> tuple[Game | None, float]:
            renewed, error = renew(answer)
            return None if renewed is None else self._in_steps(renewed), error

        answer = yield from fitted(stage, game, method, in_steps, fitting)
        return (yield from self._told(stage.name, certified(answer, method)))

    def _told(self, stage: str, answer: Equilibrium) -> Generator[Any, Any, Equilibrium]:
        """Let the parties exchange an answer that was found already."""
        announce_outcome(answer.game, answer.values, self._mailroom, stage)
        yield self._mailroom.clock.timeout(0)
        return answer

    def _refuse_infeasible(self, game: Game) -> None:
        """Refuse a game in which a party has no feasible answer, before a search is begun."""
        few = len(game.deciders) <= _ASKED_FIRST
        if few and id(game) not in self._asked:
            refuse_infeasible(game, self._spec.steps)
            self._asked[id(game)] = game
        if self._options.probing:
            raise Probed

    def _explain(self, game: Game, error: NoAnswer) -> None:
        """Say which party cannot do what, where a method knew only that there is no answer."""
        if not isinstance(error, SolverFailed) and id(game) not in self._asked:
            refuse_infeasible(game, self._spec.steps)

    def forgiving(self, action: Callable[[], T]) -> T:
        """Do something despite one Ctrl-C, so that an answer is not lost.

        Raises
        ------
        EndedAtOnce
            At the second.
        """
        try:
            return action()
        except KeyboardInterrupt as again:
            if self.interrupted:
                raise EndedAtOnce from again
            self.interrupted = True
            self._tell(GOES_ON)
            return self.forgiving(action)

    def run(self, day: Generator[Any, Any, None], stages: dict[str, Stage], case: str) -> None:
        """Go through a day to its end.

        Raises
        ------
        NoAnswer, UnusableGame, WrongMethod
            With case and stage in the message.
        KeyboardInterrupt
            When somebody interrupts before there is any answer.
        """
        clock = self._mailroom.clock
        try:
            clock.run(until=clock.process(day))
        except EndedAtOnce:
            raise
        except KeyboardInterrupt:
            self.interrupted = True
            if not any(map(_answered, stages.values())):
                raise
            self._tell("interrupted; the best answer so far is finished, Ctrl-C again ends at once")
        except (NoAnswer, UnusableGame, WrongMethod) as error:
            raise _placed(error, f"{case}: {self.stage}" if self.stage else case) from error
        except Exception as error:
            stage = f", stage '{self.stage}'" if self.stage else ""
            error.add_note(f"in case '{case}'{stage}")
            raise
        if self.interrupted:
            self._note_interruption(stages)

    def _note_interruption(self, stages: dict[str, Stage]) -> None:
        """Say of the stage that was interrupted that it has no answer, where it has none.

        It counts then, binding or not, since what was to follow it is not there; and so does the
        last stage with an answer, which stands in for it.
        """
        # Since then a day may have gone back to a stage before, such as for its power flow. There
        # is no stage of what is announced only.
        stage = self._unanswered or stages.get(self.stage)
        if stage is not None and not stage.end.by and not _answered(stage):
            stage.binding = True
            last = [other for other in stages.values() if _answered(other)][-1:]
            for other in last:
                other.binding = True
            stage.end = interrupted_before(stage.name, last[0].name if last else "")


def _answered(stage: Stage) -> bool:
    return stage.equilibrium is not None or bool(stage.decisions)


def _placed(error: Exception, where: str) -> Exception:
    """Return an error of the same kind whose message says where it arose."""
    if isinstance(error, NoAnswer):
        return type(error)(f"{where}: {error}", error.agent)
    if isinstance(error, UnusableGame):
        return UnusableGame(f"{where}: {finding}" for finding in error.findings)
    return WrongMethod(f"{where}: {error}")
