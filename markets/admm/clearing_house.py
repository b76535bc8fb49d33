"""The clearing house of a balance: the dual update of ADMM, from the parties' responses.

The sum of the parties' aims z is kept at the right-hand side e. Steps D = sum of a(p - z) that
count lower the price by ρD/W and the shift by D/W, where W adds up the weights of those who have a
say at an entry: where too much is offered, the price falls. That is the exchange form of ADMM with
over-relaxation a, and with two parties of opposite sign its consensus form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from equigrid.arrays import FloatArray, IntArray
from equigrid.markets.admm.balance_units import MarketUnits
from equigrid.markets.admm.participant import Participant
from equigrid.markets.admm.settings import AdmmSettings
from equigrid.markets.games.balance_shares import Market
from equigrid.markets.messaging.messages import Message, Response, Signal

# Quantities and prices that are none, in units of the balance.
_NONE = 1e-9
# Quantities are compared with their own size; where they all but vanish, with this share of a unit.
_FLOOR = 1e-3


@dataclass(frozen=True)
class Residuals:
    """How far a balance is from its end, each as a share of its scale.

    Attributes
    ----------
    imbalance : float
        Greatest distance of the offered terms from what they have to add up to, as a share of
        the greatest of them, or of a thousandth of the balance's unit of quantity.
    primal : float
        Norm of what members are off the balance by, as a share of the norm of their terms.
    dual : float
        Norm of ρ × the change of their aims, as a share of the norm of the prices they see.
    change : float
        The same of ρ × all that their responses are off their aims, by which the price moves, too.
        An exchange is settled by this one; `primal` and `dual` only adapt ρ.
    """

    imbalance: float
    primal: float
    dual: float
    change: float

    def settled(self, rules: AdmmSettings) -> bool:
        """Whether the balance holds, and neither aims nor the price move any more."""
        return self.imbalance <= rules.tolerance and self.change <= rules.dual_tolerance


@dataclass(frozen=True)
class _Mix:
    """Which responses of a party its base is made from; a new version each time."""

    version: int
    weights: Mapping[int, float]


class ClearingHouse:
    """The clearing house of one balance.

    Parameters
    ----------
    market : Market
    parties : iterable of Participant
    rules : AdmmSettings
    units : MarketUnits
        Of the balance.

    Attributes
    ----------
    price : array
        Per unit and hour, flattened in column-major order.
    rho : float
        Weight of the pull, in price per unit of quantity.
    """

    def __init__(
        self,
        market: Market,
        parties: Iterable[Participant],
        rules: AdmmSettings,
        units: MarketUnits,
    ) -> None:
        self.name, self.shape = market.balance.name, market.shape
        self._units, self._relaxation = units, rules.relaxation
        self._hours = market.balance.length_h
        self.rho = units.price / units.quantity if rules.rho is None else rules.rho
        self._rhs = market.rhs.copy()
        self._weights = np.zeros(len(market.rhs))
        self._places: dict[str, IntArray] = {}
        self._shares: dict[str, FloatArray] = {}
        for party in parties:
            self._register(party)
        self.price = np.zeros(len(market.rhs))
        self._shift = self._rhs / self._divisor()
        self._responses: dict[str, Response] = {}
        self._mixes = {party: _Mix(0, {}) for party in self._places}
        self._after: dict[int, tuple[FloatArray, FloatArray]] = {}

    def _register(self, party: Participant) -> None:
        """Count a party's members at each entry; what it does not decide is known for good."""
        self._rhs -= party.stakes.fixed.get(self.name, 0.0)
        if self.name in party.places:
            self._places[party.name] = party.places[self.name]
            entries = party.stakes.entries[self.name].ravel()
            counts = np.bincount(entries, minlength=len(self._weights))
            self._shares[party.name] = np.asarray(party.stakes.weight * counts, dtype=float)
            self._weights += self._shares[party.name]

    def _divisor(self) -> FloatArray:
        """Weights at each entry; where nobody has a say, nothing is divided."""
        return np.where(self._weights > 0, self._weights, 1.0)

    def heard_in(self, party: str) -> int:
        """Return the round of a party's last response that counted, 0 if none did."""
        return self._responses[party].round if party in self._responses else 0

    @property
    def parties(self) -> tuple[str, ...]:
        """Names of those that have a say."""
        return tuple(self._places)

    def signals(self, stage: str, number: int, window: Iterable[int]) -> Iterable[Signal]:
        """Ask every party at its own places."""
        for party, places in self._places.items():
            mix = self._mixes[party]
            yield Signal(
                sender=self.name,
                receiver=party,
                stage=stage,
                round=number,
                values={
                    "price": self.price[places],
                    "shift": self._shift[places],
                    "rho": self.rho,
                    "version": mix.version,
                    "mix": list(mix.weights.items()),
                    "window": list(window),
                },
            )

    def hear(self, mail: Iterable[Message], number: int) -> None:
        """Let responses count, each once, if made from what counted of its party before."""
        step = np.zeros(len(self.price))
        for response in mail:
            if not isinstance(response, Response) or response.sender not in self._places:
                continue
            mix = self._mixes[response.sender]
            if response.values["version"] == mix.version:
                self._responses[response.sender] = response
                self._mixes[response.sender] = _Mix(mix.version + 1, {response.round: 1.0})
                step[self._places[response.sender]] += response.values["step"]
        step /= self._divisor()
        self.price, self._shift = self.price - self.rho * step, self._shift - step
        self._after[number] = self.price, self._shift

    def products(self, window: Iterable[int], number: int) -> Mapping[int, float]:
        """Return inner products of the round's steps with earlier ones, in terms of money."""
        responses = [response.values for response in self._responses.values()]
        by_name = {n: sum(o["products"][i] for o in responses) for i, n in enumerate(window)}
        by_name[number] = sum(response["step_size"] for response in responses)
        return {n: self.rho * self._hours * product for n, product in by_name.items()}

    def begin_from(self, weights: Mapping[int, float], window: Iterable[int]) -> None:
        """Mix prices and shifts of rounds, as all parties are to mix their bases."""
        self.price = np.sum([w * self._after[n][0] for n, w in weights.items()], axis=0)
        self._shift = np.sum([w * self._after[n][1] for n, w in weights.items()], axis=0)
        for party, mix in self._mixes.items():
            if dict(mix.weights) != dict(weights):
                self._mixes[party] = _Mix(mix.version + 1, weights)
        oldest = min([*weights, *window])
        self._after = {n: after for n, after in self._after.items() if n >= oldest}

    def go_on_without(self, party: str) -> None:
        """Take what a party said last for good, and begin anew with the others at this price."""
        places = self._places.pop(party, None)
        if places is None:
            return
        self._rhs[places] -= self._responses[party].values["quantity"]
        self._weights -= self._shares.pop(party)
        self._shift = self._rhs / self._divisor()
        self._mixes = {n: _Mix(m.version + 1, {}) for n, m in self._mixes.items() if n != party}
        self._responses = {}

    def residuals(self) -> Residuals:
        """Return how far the last responses are from a settled balance."""
        excess, mean, sizes = -self._rhs, np.zeros(len(self._rhs)), []
        moved = size = 0.0
        for party, response in self._responses.items():
            places, said = self._places[party], response.values
            quantity = np.asarray(said["quantity"])
            excess[places] += quantity
            mean[places] += np.asarray(said["step"]) / self._relaxation
            moved, size = moved + said["step_size"] / self._relaxation**2, size + said["size"]
            sizes.append(float(np.abs(quantity).max(initial=0.0)))
        mean /= self._divisor()
        common = float(np.sum(self._weights * mean**2))
        prices = float(np.sum(self._weights * self.price**2)) ** 0.5
        unit = self._units
        size, prices = max(_NONE * unit.quantity, size**0.5), max(_NONE * unit.price, prices)
        return Residuals(
            imbalance=float(np.abs(excess).max(initial=0.0))
            / max([_FLOOR * unit.quantity, *sizes]),
            primal=common**0.5 / size,
            dual=self.rho * max(0.0, moved - common) ** 0.5 / prices,
            change=self.rho * moved**0.5 / prices,
        )
