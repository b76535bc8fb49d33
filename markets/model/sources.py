"""Sources of links and payments: said quantities, amounts, and duals of what is heard."""


class Dual(str):
    """By how much an agent's optimal cost grows per unit more of what it hears, and hour.

    A source like any other: a locational price (DLMP), for instance, is the dual of what a network
    operator hears as withdrawal. A maximised objective counts as a cost with its sign changed.

    Like all prices it is per hour: the slope of the optimal cost of a step divided by the
    ``step_hours`` of the game, so per MWh of what is heard in MW. A payment at it multiplies by
    hours, and so moves the optimal cost's own slope × quantity. Where what is heard is an energy
    in a game whose steps are no hours, let the agent hear a power instead.

    Attributes
    ----------
    heard : str
        What it is made from: ``"agent.heard"`` of a follower.

    Examples
    --------
    >>> Dual("dno.withdrawal_mw")
    'dual(dno.withdrawal_mw)'
    >>> Dual("dno.withdrawal_mw").heard
    'dno.withdrawal_mw'
    """

    __slots__ = ()

    def __new__(cls, heard: str) -> "Dual":
        """Make the source of a path; its text is its name among the values of an answer."""
        return super().__new__(cls, f"dual({heard})")

    @property
    def heard(self) -> str:
        """The path whose dual it is."""
        return self[len("dual(") : -1]


def split(path: str) -> tuple[str, str]:
    """Return the agent and the name of a path; the name is empty where there is no dot.

    Examples
    --------
    >>> split("wind.output_mw"), split("bill")
    (('wind', 'output_mw'), ('bill', ''))
    """
    agent, _, name = path.partition(".")
    return agent, name


def as_source(source: str) -> str:
    """Turn the text of a dual back into a Dual; leave other sources as they are."""
    text = source.startswith("dual(") and source.endswith(")")
    return Dual(source[len("dual(") : -1]) if text else source


def speaker(source: str) -> str:
    """Name of the agent that says a source, whose dual it is; empty for a payment."""
    path = source.heard if isinstance(source, Dual) else source
    agent, name = split(path)
    return agent if name else ""
