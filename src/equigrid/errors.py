"""Every error that equigrid raises on purpose, and the words they share.

All are an ``EquigridError`` and the built-in error that fits, so either can be caught.
Interruptions are none of them: whoever catches errors does not want to catch Ctrl-C.
"""

import difflib
from collections.abc import Iterable
from typing import Any


class EquigridError(Exception):
    """Base of all errors that equigrid raises on purpose; its text is for the user."""


class _Findings(EquigridError, ValueError):
    """Everything wrong with an input at once.

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
        everything = tuple(findings)
        if everything:
            raise cls(everything)


class UnusableGame(_Findings):
    """A declaration of agents or of a game that cannot be used as it stands.

    Attributes
    ----------
    findings : tuple of str
        One sentence per problem, each naming the guilty object and what to change.
    """


class NetworkError(_Findings):
    """A network that cannot be used.

    Attributes
    ----------
    findings : tuple of str
        Everything found wrong, each a sentence that names the object and the remedy.
    """


class NoAnswer(EquigridError, RuntimeError):
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

    def __init__(self, equilibrium: Any = None) -> None:
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
    def on(cls, solver: str, words: str, agent: str = "") -> "SolverFailed":
        """Say which solver failed on whose problem, in its own words."""
        whose = f"the problem of agent '{agent}'" if agent else "a program of this game"
        return cls(
            f"{solver} cannot solve {whose}: it ended with '{words}', which says nothing about the "
            "agent; its coefficients may be too far apart: bound large variables, or choose units "
            "that bring its numbers closer together",
            agent,
        )


class WrongMethod(EquigridError, ValueError):
    """A game that is not of this method's kind; the message says which method is."""


class UnusablePlace(EquigridError, ValueError):
    """A directory that may not or cannot be written; the message says why and what to change."""


class UnusableResult(EquigridError, ValueError):
    """A directory that holds no readable result; the message says which file is at fault."""


class SystemFailed(EquigridError):
    """An error in the code of a system from outside.

    Attributes
    ----------
    file : str
    line : int
    """

    def __init__(self, file: str, line: int, what: str) -> None:
        self.file, self.line = file, line
        super().__init__(f"{file}:{line}: {what}")


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known name that is most like a word, empty where none is."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return close[0] if close else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a suffix that suggests the nearest known name, or lists what there is.

    Examples
    --------
    >>> did_you_mean("imprt_mw", ["import_mw", "cost"])
    "; did you mean 'import_mw'?"
    """
    names = sorted(known)
    close = nearest(name, names)
    if close:
        return f"; did you mean '{close}'?"
    return f"; there is: {', '.join(names)}" if names else ""
