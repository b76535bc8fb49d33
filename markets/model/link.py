"""Links: what one party says is what another one hears."""

from dataclasses import dataclass

from equigrid.markets.model.sources import as_source, split


@dataclass(frozen=True)
class Link:
    """What one party says is what another hears; several into one add up.

    Parameters
    ----------
    source : str
        ``"agent.quantity"``, a ``Dual``, or the name of a payment, whose amount is then heard.
    target : str
        ``"agent.heard"``.
    """

    source: str
    target: str

    def __post_init__(self) -> None:
        """Know a dual by its text."""
        object.__setattr__(self, "source", as_source(self.source))

    @property
    def hearer(self) -> str:
        """Name of the agent that hears."""
        return split(self.target)[0]

    @property
    def heard(self) -> str:
        """Name under which the agent hears it."""
        return split(self.target)[1]
