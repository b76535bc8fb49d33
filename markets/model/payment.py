"""Payments: money from payer to payee, price × quantity × hours."""

from dataclasses import dataclass

from equigrid.markets.model.sources import Dual, as_source


@dataclass(frozen=True)
class Payment:
    """Money from payer to payee: price × quantity × hours, summed.

    Parameters
    ----------
    name : str
        Unique in the game; as a source of a Link it means the amount, summed over the last axes
        that the Parameter which hears it lacks: one of shape (S,) hears an amount per scenario.
    payer, payee : str
        Names of agents.
    price : str or float
        A source, such as a ``Dual``, or a constant price per unit of quantity and hour.
    quantity : str
        A source of the same shape as the price.
    hours : float
        Length of one step in hours.
    """

    name: str
    payer: str
    payee: str
    price: str | float
    quantity: str
    hours: float = 1.0

    def __post_init__(self) -> None:
        """Know a dual by its text."""
        if isinstance(self.price, str):
            object.__setattr__(self, "price", as_source(self.price))

    @property
    def at_dual(self) -> Dual | None:
        """The dual that is the price, if one is."""
        return self.price if isinstance(self.price, Dual) else None

    def sign_for(self, agent: str) -> float:
        """Return +1 if it is a cost to that agent, -1 if it is income, 0 if it is neither."""
        return float(self.payer == agent) - float(self.payee == agent)
