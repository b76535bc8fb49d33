"""An agent's side of ADMM: it gets prices and targets, and offers its proximal answer.

Each balance asks by a price λ and a shift M. The agent keeps a base w for each of its terms and
aims at z = w + M. It offers the terms p of its proximal step, and notes the base w + a(p - z) that
would come of it. The next signal says which of its responses the base is to be made from: the last
one that counted, or a mix of several. So a response that was lost, late or doubled leaves both
sides in the same state, and nobody is told an agent's base, costs or limits.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.markets.admm.balance_terms import BalanceTerms
from equigrid.markets.admm.balance_units import MarketUnits
from equigrid.markets.admm.proximal import Proximal
from equigrid.markets.messaging.messages import Message, Response, Signal
from equigrid.markets.messaging.talk_limits import TalkLimits

# How exact an answer has to be, as a share of how far the last one was from what was asked; and
# at most and at least, in the balance's unit of quantity.
_SHARE, _COARSE, _FINE = 0.01, 1e-4, 1e-9


class ProximalStep(Protocol):
    """Whatever solves the proximal problems of n members."""

    @property
    def columns(self) -> FloatArray:
        """Columns of the last answer, shape (n, columns); an array of its own."""
        ...

    def set_rho(self, rho: FloatArray) -> None:
        """Set the weights of the pull, shape (t,)."""
        ...

    def solve(self, price: FloatArray, target: FloatArray, tolerance: float) -> FloatArray:
        """Return terms of shape (n, t)."""
        ...


@dataclass(frozen=True, eq=False)
class Made:
    """What comes of a response: the step of the base, the base after it, and the answer itself."""

    step: FloatArray
    base: FloatArray
    columns: FloatArray | None


class Participant:
    """One party of an exchange, be it an agent or a fleet.

    Parameters
    ----------
    name : str
    stakes : BalanceTerms
    step : ProximalStep
    relaxation : float
        How far the base moves with a response that counted, from 1 to below 2.
    keeps_answers : bool
        Whether to remember the answer behind each response that may still count.
    limits : TalkLimits, optional
        Of the talk, which counts every member's answer.
    """

    def __init__(
        self,
        name: str,
        stakes: BalanceTerms,
        step: ProximalStep,
        relaxation: float,
        *,
        keeps_answers: bool = False,
        limits: TalkLimits | None = None,
    ) -> None:
        self.name, self.stakes, self.step = name, stakes, step
        self._limits = limits or TalkLimits("Admm")
        self._keeps_answers = keeps_answers
        self.relaxation = relaxation
        self.places = {b: np.unique(entries) for b, entries in stakes.entries.items()}
        self._at = {b: np.searchsorted(self.places[b], e) for b, e in stakes.entries.items()}
        self._base = {b: np.zeros(entries.shape) for b, entries in stakes.entries.items()}
        self._made: dict[str, dict[int, Made]] = {b: {} for b in stakes.entries}
        self._asked: dict[str, Signal] = {}
        self._unit, self._tolerance = 1.0, _COARSE

    def count_in(self, units: Mapping[str, MarketUnits]) -> None:
        """Count how exact an answer has to be in the smallest unit of its balances."""
        self._unit = min((units[b].quantity for b in self._base), default=1.0)
        self._tolerance = _COARSE * self._unit

    def act(self, mail: list[Message]) -> Iterable[Response]:
        """Read the letter box and answer each balance that asked anew."""
        fresh = [b for b in self._base if self._read(b, mail)]
        if not fresh or len(self._asked) < len(self._base):
            return
        terms, targets = self._stepped()
        aim = np.concatenate(list(targets.values()), axis=1)
        off = float(np.sqrt(np.mean((terms - aim) ** 2)))
        unit = self._unit
        self._tolerance = float(np.clip(_SHARE * off, _FINE * unit, _COARSE * unit))
        for balance, part in self.stakes.split(terms).items():
            if balance in fresh:
                yield self._response(balance, part, part - targets[balance])

    def _stepped(self) -> tuple[FloatArray, dict[str, FloatArray]]:
        """Solve at what was asked last; return the terms, and what they were to be."""
        weight = self.stakes.weight
        targets = {b: base + weight * self._local(b, "shift") for b, base in self._base.items()}
        prices = [self._worth(b) for b in self._base]
        self.step.set_rho(np.concatenate([self._rho(b) for b in self._base]))
        aim = np.concatenate(list(targets.values()), axis=1)
        terms = self.step.solve(np.concatenate(prices, axis=1), aim, self._tolerance)
        self._limits.spend(self.stakes.size, sum(self.stakes.form.matrix.shape))
        return terms, targets

    def answer(self, number: int = 0) -> FloatArray:
        """Return the columns of the last answer, or of that in a round that is still known."""
        known = [made[number].columns for made in self._made.values() if number in made]
        return self.step.columns if not known or known[0] is None else known[0]

    def fix_whole(self, *, beyond: bool) -> None:
        """Fix an agent's whole numbers near what has been settled, at the prices it heard."""
        assert isinstance(self.step, Proximal)
        prices = [self._worth(b)[0] for b in self._base]
        self.step.fix_whole(np.concatenate(prices), beyond=beyond)

    def make_whole(self) -> None:
        """Where a talk ended with whole numbers relaxed, fix them and answer once more.

        Raises
        ------
        NoAnswer
            Naming the agent when no whole numbers fit.
        """
        values = self.step.columns[:, self.stakes.form.integer]
        if not np.array_equal(values, np.round(values)):
            self.fix_whole(beyond=True)
            self._stepped()

    def _read(self, balance: str, mail: list[Message]) -> bool:
        """Take the newest signal of a balance; whether it is newer than the last one."""
        signals = [m for m in mail if isinstance(m, Signal) and m.sender == balance]
        newest = max(signals, key=lambda signal: signal.round, default=None)
        known = self._asked.get(balance)
        if newest is None or (known is not None and newest.round <= known.round):
            return False
        self._asked[balance] = newest
        mix = {int(number): weight for number, weight in newest.values["mix"]}
        made = self._made[balance]
        nothing = np.zeros(self._at[balance].shape)
        self._base[balance] = sum((w * made[n].base for n, w in mix.items()), nothing)
        # Whatever was made before these will not be asked for again.
        oldest = min([*mix, *newest.values["window"]], default=0)
        self._made[balance] = {n: m for n, m in made.items() if n >= oldest}
        return True

    def _local(self, balance: str, name: str) -> FloatArray:
        """Return what a balance says of each member's terms, shape (n, t_b)."""
        return np.asarray(np.array(self._asked[balance].values[name])[self._at[balance]])

    def _worth(self, balance: str) -> FloatArray:
        """Return what a unit more of each term is paid in a step: price × hours."""
        return self.stakes.hours[balance] * self._local(balance, "price")

    def _rho(self, balance: str) -> FloatArray:
        """Return the weight of the pull in money: like the price, it is told per hour."""
        rho = float(self._asked[balance].values["rho"]) / self.stakes.weight
        rho *= self.stakes.hours[balance]
        return np.full(self._at[balance].shape[1], rho)

    def _response(self, balance: str, terms: FloatArray, moved: FloatArray) -> Response:
        signal, step = self._asked[balance], self.relaxation * moved
        made = self._made[balance]
        made[signal.round] = Made(
            step, self._base[balance] + step, self.step.columns if self._keeps_answers else None
        )
        weight = self.stakes.weight
        products = [np.vdot(step, made[n].step) / weight for n in signal.values["window"]]
        return Response(
            sender=self.name,
            receiver=balance,
            stage=signal.stage,
            round=signal.round,
            values={
                "quantity": self._added(balance, terms),
                "step": self._added(balance, step),
                "step_size": np.vdot(step, step) / weight,
                "products": products,
                "size": np.vdot(terms, terms) / weight,
                "version": signal.values["version"],
            },
        )

    def _added(self, balance: str, terms: FloatArray) -> FloatArray:
        """Add up the members' terms at each place that the party has a say in."""
        count = len(self.places[balance])
        added = np.bincount(self._at[balance].ravel(), terms.ravel(), minlength=count)
        return np.asarray(added, dtype=float)
