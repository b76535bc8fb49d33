"""Payments: money from payer to payee, price × quantity × hours."""

from dataclasses import dataclass, field

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
    hours : float, optional
        Length of one step in hours; without it the game's ``step_hours``. A quantity in MWh is an
        energy as it stands, so a payment for it says ``hours=1``.
    """

    name: str
    payer: str
    payee: str
    price: str | float
    quantity: str
    hours: float | None = None
    step_h: float = field(default=1.0, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Know a dual by its text."""
        if isinstance(self.price, str):
            object.__setattr__(self, "price", as_source(self.price))

    @property
    def length_h(self) -> float:
        """Length of one step in hours, as stated or else that of the game."""
        return self.step_h if self.hours is None else self.hours

    @property
    def at_dual(self) -> Dual | None:
        """The dual that is the price, if one is."""
        return self.price if isinstance(self.price, Dual) else None

    def sign_for(self, agent: str) -> float:
        """Return +1 if it is a cost to that agent, -1 if it is income, 0 if it is neither."""
        return float(self.payer == agent) - float(self.payee == agent)
