"""The cases of a study as far as they were played."""

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from equigrid.errors import NoAnswer, did_you_mean
from equigrid.experiments.running.loading import LoadedStudy
from equigrid.experiments.running.own_code import placed
from equigrid.experiments.spec.study import Study
from equigrid.experiments.system import System
from equigrid.experiments.world.case_run import CaseRun
from equigrid.experiments.world.playing import EndedAtOnce, Probed
from equigrid.experiments.world.run_options import Progress, RunOptions
from equigrid.experiments.world.world import World


@dataclass(frozen=True, eq=False)
class PlayedCase:
    """A case that has been played.

    Attributes
    ----------
    name : str
    system : System
        The object that played it.
    world : World
    run : CaseRun
    seconds : float
    """

    name: str
    system: System[Any]
    world: World
    run: CaseRun
    seconds: float


@dataclass
class Played:
    """Cases with an answer, and why others have none.

    Attributes
    ----------
    loaded : LoadedStudy
    tell : callable
        Told a short sentence whenever something begins.
    seconds : float or None
        After which every search ends.
    prepared : object
        What the system prepared once for all cases.
    cases : list of PlayedCase
        In the order of the study, the interrupted one among them if it has an answer.
    missing : dict of str to str
        By case without an answer: why.
    interrupted : bool
    failure : NoAnswer or None
        What ended the run after some cases were finished.
    unused : tuple of str
        Methods of which the study states settings, and which nothing was played by.
    uncompared : str
        The case without which the others could not be compared.
    """

    loaded: LoadedStudy
    tell: Progress
    seconds: float | None = None
    prepared: Any = None
    cases: list[PlayedCase] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False
    failure: NoAnswer | None = None
    unused: tuple[str, ...] = ()
    uncompared: str = ""
    _under_way: list[str] = field(default_factory=list)

    @property
    def study(self) -> Study:
        """The study whose cases they are."""
        return self.loaded.study

    def case(self, name: str, asker: str = "") -> CaseRun:
        """Return a case as it has run; play it now if it has not.

        Raises
        ------
        ValueError
            When it waits for who asks.
        """
        for case in self.cases:
            if case.name == name:
                return case.run
        if name in self._under_way:
            raise ValueError(f"case '{name}' and case '{asker}' wait for each other")
        known = [case.name for case in self.study.cases]
        if name not in known:
            raise ValueError(f"the study has no case '{name}'{did_you_mean(name, known)}")
        played = self._played(name)
        self.cases.append(played)
        self.interrupted = self.interrupted or played.run.interrupted
        return played.run

    def _played(self, name: str) -> PlayedCase:
        options = RunOptions(self.tell, self.seconds, self.prepared, self.case)
        system, world = self.loaded.system.made(), World(self.study, name, options)
        began = time.perf_counter()
        self._under_way.append(name)
        try:
            with placed(self.loaded.system.files):
                run = replace(world.run(system.day), system=system)
        finally:
            self._under_way.remove(name)
        return PlayedCase(name, system, world, run, time.perf_counter() - began)


def play_cases(
    loaded: LoadedStudy,
    tell: Progress,
    seconds: float | None = None,
    only: Iterable[str] | None = None,
) -> Played:
    """Play cases; one that others ask for is played when the first of them does.

    Parameters
    ----------
    loaded : LoadedStudy
    tell : callable
        Told a short sentence whenever something begins.
    seconds : float, optional
        After which every search ends.
    only : iterable of str, optional
        Names of the cases to play, with those that they ask for; all if not given.

    Raises
    ------
    KeyboardInterrupt, NoAnswer
        When nothing was found before.
    """
    with placed(loaded.system.files):
        prepared = loaded.system.made().prepare(loaded.study)
    played = Played(loaded, tell, seconds, prepared)
    names = [case.name for case in loaded.study.cases]
    asked = set(names if only is None else only)
    for name in (name for name in names if name in asked):
        if played.interrupted or played.failure is not None:
            played.missing[name] = "not run"
        else:
            _play(played, name)
    played.missing = {n: why for n, why in played.missing.items() if not _is_there(played, n)}
    played.cases.sort(key=lambda case: names.index(case.name))
    played.unused = _unused(played)
    return played


def _unused(played: Played) -> tuple[str, ...]:
    used = {name for case in played.cases for name in case.world.methods_played}
    methods = played.study.spec.methods
    stated = [name for name in type(methods).model_fields if getattr(methods, name).stated()]
    return tuple(name for name in stated if name not in used)


def _is_there(played: Played, name: str) -> bool:
    return any(case.name == name for case in played.cases)


def _play(played: Played, name: str) -> None:
    try:
        played.case(name)
    except EndedAtOnce:
        raise
    except KeyboardInterrupt:
        if not played.cases:
            raise
        played.missing[name] = "interrupted before it had an answer"
        played.interrupted = True
    except NoAnswer as failure:
        if not played.cases:
            raise
        played.missing[name], played.failure = f"no answer: {failure}", failure


def probe_cases(loaded: LoadedStudy) -> None:
    """Ask whether every party of each case's first game has a feasible answer.

    Raises
    ------
    NoAnswer, UnusableInput, UnusableGame
        What a run would raise before its first search.
    """
    with placed(loaded.system.files):
        prepared = loaded.system.made().prepare(loaded.study)
    for case in loaded.study.cases:
        options = RunOptions(prepared=prepared, earlier=_not_played, probing=True)
        world = World(loaded.study, case.name, options)
        with suppress(Probed), placed(loaded.system.files):
            world.run(loaded.system.made().day)


def _not_played(case: str, asker: str) -> CaseRun:
    """What hangs on the answer of another case is not asked before anything is solved."""
    raise Probed
