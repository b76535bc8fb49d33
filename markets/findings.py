"""Everything wrong with a declaration, found at once and said in sentences."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equigrid.markets.equilibrium import Equilibrium


class UnusableGame(ValueError):
    """A declaration of agents or of a game that cannot be used as it stands.

    Attributes
    ----------
    findings : tuple of str
        One sentence per problem, each naming the guilty object and what to change.
    """

    def __init__(self, findings: Iterable[str]) -> None:
        self.findings = tuple(findings)
        # SimPy raises an exception again from its args: they have to make the same one.
        super().__init__(self.findings)

    def __str__(self) -> str:
        """Return one finding a line."""
        return "\n".join(self.findings)

    @classmethod
    def raise_if(cls, findings: Iterable[str]) -> None:
        """Raise with all findings when there is at least one."""
        found = tuple(findings)
        if found:
            raise cls(found)


class NoAnswer(RuntimeError):
    """A well-stated game that has no answer, or none that this method can find.

    Attributes
    ----------
    agent : str
        Who has no feasible or no bounded answer, empty when it is nobody in particular.
    """

    def __init__(self, message: str, agent: str = "") -> None:
        self.agent = agent
        super().__init__(message, agent)

    def __str__(self) -> str:
        """Return the message alone."""
        return str(self.args[0])


class Interrupted(KeyboardInterrupt):
    """Somebody pressed Ctrl-C in a search.

    Attributes
    ----------
    equilibrium : Equilibrium or None
        The best answer so far, certified and not settled; None where there was none yet.
    """

    def __init__(self, equilibrium: Equilibrium | None = None) -> None:
        self.equilibrium = equilibrium
        super().__init__(equilibrium)

    def __str__(self) -> str:
        """Say what is left."""
        found = "the best answer so far is kept" if self.equilibrium else "no answer was found yet"
        return f"interrupted: {found}"


class SolverFailed(NoAnswer):
    """A solver that came to no end; it proves nothing of the agent whose problem it was given.

    Attributes
    ----------
    agent : str
        Whose problem it was, empty when it is nobody's in particular.
    """

    @classmethod
    def on(cls, solver: str, words: str, agent: str = "") -> SolverFailed:
        """Say which solver failed on whose problem, in its own words."""
        whose = f"the problem of agent '{agent}'" if agent else "a program of this game"
        return cls(
            f"{solver} cannot solve {whose}: it ended with '{words}', which says nothing about the "
            "agent; its coefficients may be too far apart: bound large variables, or choose units "
            "that bring its numbers closer together",
            agent,
        )


class WrongMethod(ValueError):
    """A game that is not of this method's kind; the message says which method is."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a suffix that suggests the nearest known name, or lists what there is.

    Examples
    --------
    >>> did_you_mean("imprt_mw", ["import_mw", "cost"])
    "; did you mean 'import_mw'?"
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; there is: {', '.join(names)}" if names else ""
