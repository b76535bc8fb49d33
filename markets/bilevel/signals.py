"""Signals: what each agent hears, known beforehand or decided by the leader."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from equigrid.arrays import BoolArray, FloatArray
from equigrid.errors import WrongMethod
from equigrid.markets.forms.standard_form import Affine, StandardForm
from equigrid.markets.games.game import Game
from equigrid.markets.model.payment import Payment
from equigrid.markets.model.sources import Dual, split


@dataclass(frozen=True, eq=False)
class Signals:
    """Resolution of everything heard in a game.

    A heard value is *known* when all it is linked to are constants of parties without a
    problem, or when it is given.
    """

    game: Game

    @cached_property
    def constants(self) -> Mapping[str, FloatArray]:
        """Values of sources that no decision moves, by path or payment name."""
        by_name: dict[str, FloatArray] = {
            f"{agent.name}.{name}": np.asarray(said.value, dtype=float)
            for agent in self.game.agents
            for name, said in agent.says.items()
            if not said.variables() and not said.parameters()
        }
        for payment in self.game.payments:
            price = by_name.get(payment.price) if isinstance(payment.price, str) else payment.price
            quantity = by_name.get(payment.quantity)
            if price is not None and quantity is not None:
                by_name[payment.name] = np.asarray(np.sum(price * quantity) * payment.length_h)
        return by_name

    def is_known(self, agent: str, heard: str) -> bool:
        """Whether a heard value is fixed before anybody decides."""
        links = self.game.links_into(agent, heard)
        return all(link.source in self.constants for link in links)

    def known_value(self, agent: str, heard: str) -> FloatArray:
        """Return the given value plus all constants linked to a heard value."""
        shape = self.game.agent(agent).hears[heard].shape
        total = np.zeros(shape) + np.asarray(self.game.given.get(f"{agent}.{heard}", 0.0), float)
        for link in self.game.links_into(agent, heard):
            total = total + self.constants.get(link.source, 0.0)
        return np.asarray(total, dtype=float)

    def known(self, form: StandardForm) -> tuple[BoolArray, FloatArray]:
        """Return which entries of θ are known, and their values (0 elsewhere)."""
        mask, theta = np.zeros(form.heard_size, dtype=bool), np.zeros(form.heard_size)
        for heard, where in form.heard.items():
            if self.is_known(form.agent.name, heard):
                mask[where] = True
                theta[where] = np.ravel(self.known_value(form.agent.name, heard), order="F")
        return mask, theta

    def heard_vector(self, form: StandardForm, announced: Mapping[str, FloatArray]) -> FloatArray:
        """Return θ of shape (P,) when the given signals are announced."""
        values = {}
        for heard in form.heard:
            total = self.known_value(form.agent.name, heard)
            for link in self.game.links_into(form.agent.name, heard):
                if link.source not in self.constants:
                    total = total + announced[link.source]
            values[heard] = total
        return form.heard_vector(values)

    def price_range(self, price: Affine, form: StandardForm) -> tuple[FloatArray, FloatArray]:
        """Range of what an agent says over its bounds.

        Raises
        ------
        WrongMethod
            When nothing bounds it.
        """
        low, high = interval(price, form.lower, form.upper)
        if not (np.isfinite(low).all() and np.isfinite(high).all()) or price.of_heard.nnz:
            raise WrongMethod(
                f"a price that '{form.agent.name}' decides has no bounds; give its variable "
                "bounds, such as cp.Variable(bounds=[0, cap])"
            )
        return low, high

    def box(self, form: StandardForm) -> tuple[FloatArray, FloatArray]:
        """Return bounds on θ of shape (P,), infinite where nothing bounds a signal."""
        lower, upper = np.zeros(form.heard_size), np.zeros(form.heard_size)
        for heard, where in form.heard.items():
            base = np.ravel(self.known_value(form.agent.name, heard), order="F")
            low, high = base.copy(), base.copy()
            for link in self.game.links_into(form.agent.name, heard):
                if link.source not in self.constants:
                    ends = self._range(link.source)
                    low, high = low + ends[0], high + ends[1]
            lower[where], upper[where] = low, high
        return lower, upper

    def _range(self, source: str) -> tuple[FloatArray, FloatArray]:
        """Interval of a said quantity over the bounds of its agent's columns."""
        if self.game.payment(source) is not None or isinstance(source, Dual):
            return np.array(-np.inf), np.array(np.inf)
        form, said = self.said(source)
        if said.of_heard.nnz:
            return np.array(-np.inf), np.array(np.inf)
        return interval(said, form.lower, form.upper)

    def said(self, path: str) -> tuple[StandardForm, Affine]:
        """Return the form of who says a path, and the affine map said."""
        agent, name = split(path)
        form = self.game.forms[agent]
        return form, form.said[name]

    def is_bilinear(self, payment: Payment) -> bool:
        """Whether both price and quantity of a payment are decisions."""
        ends = [s for s in (payment.price, payment.quantity) if isinstance(s, str)]
        return len(ends) == 2 and not any(end in self.constants for end in ends)


def interval(said: Affine, lower: FloatArray, upper: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Range of an affine map without heard values over a box of columns."""
    low, high = activity(said.of_columns, lower, upper)
    return said.constant + low, said.constant + high


def activity(
    matrix: sparse.csr_array, lower: FloatArray, upper: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the least and greatest value of each row of matrix @ x over a box."""
    positive, negative = _stored(matrix.maximum(0)), _stored(matrix.minimum(0))
    low = positive @ lower + negative @ upper
    high = positive @ upper + negative @ lower
    return np.asarray(low), np.asarray(high)


def _stored(matrix: sparse.csr_array) -> sparse.csr_array:
    """Leave out stored zeros: an entry that is not there makes 0 × infinity nothing."""
    matrix.eliminate_zeros()
    return matrix
