"""The world of one case: a Mesa model that owns the one SimPy clock, and the verbs of a day."""

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

import mesa
import numpy as np
import simpy
from numpy.typing import ArrayLike

from equigrid.agents.shell import Shell, Shells
from equigrid.arrays import FloatArray
from equigrid.errors import EquigridError
from equigrid.experiments.spec.study import Study
from equigrid.experiments.world.arguments import (
    finite_values,
    refuse_no_game,
    refuse_no_message,
    refuse_no_slice,
    whole_minute,
)
from equigrid.experiments.world.awaited import Awaited
from equigrid.experiments.world.bus_series import at_buses
from equigrid.experiments.world.case_run import CaseRun
from equigrid.experiments.world.evidence import Evidence
from equigrid.experiments.world.faults import faults_of
from equigrid.experiments.world.following import Day
from equigrid.experiments.world.lone_agents import LoneAgents
from equigrid.experiments.world.operation import Operation, operated
from equigrid.experiments.world.playing import Playing
from equigrid.experiments.world.run_options import RunOptions
from equigrid.experiments.world.stage import Stage
from equigrid.grid.network.network import Network
from equigrid.markets.decision import Decision
from equigrid.markets.equilibrium import Method
from equigrid.markets.games.game import Game
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.messages import Announcement, Message
from equigrid.markets.messaging.posting import announce_constants
from equigrid.markets.model.agent import Agent
from equigrid.scenarios.seeds import stream


class World(Evidence, mesa.Model):  # type: ignore[misc]
    """Parties, mailroom and network of one case of a study, on one clock, and what a day can do.

    ``at`` and ``play`` return events, to be yielded; the other verbs are plain calls.

    Parameters
    ----------
    study : Study
    case : str
        Name of the case.
    options : RunOptions, optional
        What a run asks for beside the study.

    Attributes
    ----------
    spec : StudySpec
        What the study says, with the case's own settings.
    case : StudyCase
    network : Network or None
    steps : int
        Number of steps T.
    prepared : object
        What `System.prepare` returned.
    clock : simpy.Environment
        In minutes. Mesa's own time is not used.
    mailroom : Mailroom
    stages : dict of str to Stage
        In the order in which they began.
    """

    def __init__(self, study: Study, case: str, options: RunOptions | None = None) -> None:
        super().__init__(rng=stream(study.spec.seed, f"{case}/mesa"))
        self.study, self.case = study, study.case(case)
        self.spec, self._network = self.case.spec, self.case.network
        self.steps = self.spec.steps  # Mesa counts its own in it, of which there are none here
        self.options = options or RunOptions()
        self.prepared = self.options.prepared
        self.clock = simpy.Environment()
        said = self.spec.messages
        faults = faults_of(said, study.spec.seed, case)
        self.mailroom = Mailroom(self.clock, case, faults, said.rounds_kept)
        self.stages: dict[str, Stage] = {}
        self._day = Day(self.clock)
        self._playing = Playing(self.spec, self.mailroom, self.options, self.tell)
        self._lone_agents = LoneAgents(self.spec.steps)
        self._shells = Shells(self, self.mailroom)

    @property
    def network(self) -> Network:
        """The feeder as the case has it.

        Raises
        ------
        EquigridError
            When the study has none.
        """
        if self._network is None:
            raise EquigridError(f"the study '{self.study.name}' has no network; give it one")
        return self._network

    @property
    def interrupted(self) -> bool:
        """Whether somebody interrupted the day; its stages are then as far as it came."""
        return self._playing.interrupted

    @property
    def methods_played(self) -> frozenset[str]:
        """What a study calls the methods that games were played by."""
        return frozenset(self._playing.methods)

    @property
    def seed(self) -> int:
        """The number that every random draw follows."""
        return self.spec.seed

    @property
    def step_hours(self) -> float:
        """Length of a step in hours."""
        return self.spec.step_hours

    def stream(self, name: str) -> np.random.Generator:
        """Return the random stream of an owner, the same in every case."""
        return stream(self.seed, name)

    def earlier(self, case: str) -> CaseRun:
        """Return another case of the study as it has run; it runs now if it has not yet.

        Raises
        ------
        ValueError
            When the study has no such case, or it waits for this one.
        """
        return self.options.earlier(case, self.case.name)

    def at(self, minute: int) -> simpy.Event:
        """Return the event of that minute, counted from midnight before the day; to be yielded."""
        whole_minute(minute)
        if minute < self.clock.now:
            raise ValueError(f"minute {minute} is over: the clock stands at {self.clock.now:g}")
        what = f"world.at(minute={minute})"
        return self._day.give(self.clock.timeout(minute - self.clock.now), what)

    def play(
        self,
        stage: str,
        game: Game,
        method: Method,
        *,
        binding: bool = True,
        renew: Any = None,
    ) -> simpy.Event:
        """Return the event of a game's answer, an `Equilibrium`; to be yielded.

        Parameters
        ----------
        stage : str
            Which has not played a game yet.
        game : Game
            Whose steps are those of the study, unless it says otherwise.
        method : Method
            What the study states under `methods` holds in place of its settings.
        binding : bool
            Otherwise it is shown and compared: its checks never count, and where it fails the
            day goes on with None.
        renew : callable, optional
            Of an answer, with its `values` and `game`: the game on a linear network expanded
            there, and how far (p.u.) AC is from the one that the answer was found on. Rounds go on
            as `network.linearisation` says, by 20 and to 0.001 p.u. without it.
        """
        refuse_no_game(game, method)
        evidence = self.stage(stage)
        evidence.binding = binding
        what = f"world.play({stage!r}, …)"
        process = Awaited(self.clock, self._playing.play(evidence, game, method, renew), what)
        process.defused = True  # its error is raised where the day waits for it
        return self._day.give(process, what)

    def publish(self, game: Game, stage: str) -> None:
        """Let parties without a problem announce what they know to those who hear it."""
        self._playing.begin(stage)
        announce_constants(game, self.mailroom, stage)

    def decide(
        self,
        stage: str,
        agent: Agent,
        heard: Mapping[str, ArrayLike] | None = None,
        *,
        gap: float | None = None,
        node_limit: int | None = None,
        implement: slice | None = None,
    ) -> Decision:
        """Return what one agent decides alone; compiled once a case, solved again warm.

        Parameters
        ----------
        stage : str
        agent : Agent
            The same object each time.
        heard : Mapping of str to array
            A value for every name in its `hears`.
        gap : float, optional
            Relative gap at which a search for whole numbers may stop; 0 if not given.
        node_limit : int, optional
        implement : slice, optional
            Which part, of the last axis, becomes the stage's schedule, behind what was
            implemented before; all of the last decision if not given.

        Raises
        ------
        NoAnswer
            Naming the agent, and the constraint and step that cannot hold.
        """
        self._playing.begin(stage)
        refuse_no_slice(implement)
        if self.stage(stage).equilibrium is not None:
            raise ValueError(f"stage '{stage}' has played a game; give decisions their own stage")
        decision = self._lone_agents.decide(agent, heard or {}, gap, node_limit)
        self.stage(stage).record(decision, implement)
        return decision

    def operate(
        self,
        stage: str,
        load_mw: ArrayLike,
        load_mvar: ArrayLike,
        *,
        axes: Sequence[str] = ("bus", "step"),
        enforced: ArrayLike | None = None,
        branch_closed: ArrayLike | None = None,
        ac: str | None = None,
        linear_voltage_pu: ArrayLike | None = None,
        parts: ArrayLike | None = None,
    ) -> Operation:
        """Run AC power flow of a stage's loads and hold it against the limits of the case.

        Parameters
        ----------
        stage : str
        load_mw, load_mvar : array (N, C)
            Net consumption by bus and column, in place of the network's own loads.
        axes : sequence of str
            What their axes are.
        enforced : array of bool (C,), optional
            Columns in which limits have to hold where the case enforces them, all if not given.
        branch_closed : array of bool (B,) or (B, C), optional
            The network's own state if not given.
        ac : {"enforce", "report"}, optional
            In place of what the case says.
        linear_voltage_pu : array (N, C), optional
            Of a linear network, to be compared with AC.
        parts : array of int (C,), optional
            Columns that are reported together; pandapower judges the worst of each.
        """
        self._playing.begin(stage)
        self.tell(f"{stage}: AC power flow of every column")
        asked: dict[str, Any] = {"axes": axes, "enforced": enforced, "parts": parts, "ac": ac}
        asked |= {"branch_closed": branch_closed, "linear_voltage_pu": linear_voltage_pu}
        loads = load_mw, load_mvar
        found = self._playing.forgiving(lambda: operated(self.network, self.case, loads, **asked))
        self.stage(stage).operations.append(found)
        return found

    def at_buses(self, series: Mapping[int | str, ArrayLike]) -> FloatArray:
        """Return series (T,) by bus, a number or a name, as a table (N, T) of all buses."""
        return at_buses(self.network, self.steps, series)

    def announce(self, stage: str, sender: str, receiver: str, **values: ArrayLike) -> None:
        """Let a party tell another something that is logged."""
        self._playing.begin(stage)
        told = finite_values(sender, receiver, values)
        self.post(Announcement(sender=sender, receiver=receiver, stage=stage, values=told))

    def post(self, message: Message) -> None:
        """Send a message."""
        refuse_no_message(message)
        self.mailroom.post(message)

    def tell(self, text: str) -> None:
        """Tell whoever watches what begins."""
        self.options.progress(f"{self.case.name}: {text}")

    def run(self, day: Callable[["World"], Any]) -> CaseRun:
        """Go through the day of a system to its end and return what it left."""

        def begun() -> Generator[Any, Any, None]:
            yield from self._day.follow(day(self))

        self._playing.run(begun(), self.stages, self.case.name)
        return self.case_run

    def shell(self, party: str) -> Shell:
        """Return the Mesa agent of a party, made when it is first met."""
        return self._shells.of(party)
