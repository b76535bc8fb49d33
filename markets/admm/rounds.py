"""Rounds of ADMM: primal and dual updates, adaptive rho, acceleration, and who falls silent."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Any

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.errors import NoAnswer
from equigrid.markets.admm.acceleration import Acceleration
from equigrid.markets.admm.balance_units import market_units
from equigrid.markets.admm.batch.proximal import BatchProximal
from equigrid.markets.admm.clearing_house import ClearingHouse, Residuals
from equigrid.markets.admm.participant import Participant
from equigrid.markets.admm.settings import AdmmSettings
from equigrid.markets.forms.points import FleetPoint
from equigrid.markets.games.balance_shares import market_of
from equigrid.markets.games.game import Game
from equigrid.markets.messaging.faults import Faults
from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.talk_limits import TalkLimits

# Rounds after which a balance may change its rho: less and less often, so that it comes to rest.
_ADAPTING = frozenset([2, 4, 8, 12, 20, 30, 45, 65, 90, *(100 * 2**k for k in range(8))])
# An exchange is not over while what counts of somebody is older than this many rounds.
_FRESH = 12


class AdmmRounds:
    """The rounds of one exchange, and how far they have come.

    Parameters
    ----------
    game : Game
    parties : Mapping of str to Participant
    rules : AdmmSettings
    limits : TalkLimits, optional
        In work and by the clock, which end the rounds as well.

    Attributes
    ----------
    records : list of Mapping
        One for each round.
    settled : bool
    silent : dict of str to int
        Parties that fell silent, with the round of the last response that counted.
    """

    def __init__(
        self,
        game: Game,
        parties: Mapping[str, Participant],
        rules: AdmmSettings,
        limits: TalkLimits | None = None,
    ) -> None:
        self.limits = limits or TalkLimits("Admm")
        self.rules, self.parties = rules, dict(parties)
        units = market_units(game, {name: party.stakes for name, party in parties.items()})
        self.houses = {
            balance.name: ClearingHouse(
                market_of(game, balance), parties.values(), rules, units[balance.name]
            )
            for balance in game.balances
        }
        for party in parties.values():
            party.count_in(units)
        self.acceleration = Acceleration(rules.memory)
        self.records: list[Mapping[str, Any]] = []
        self.silent: dict[str, int] = {}
        self.settled = self._was_near = False

    def play(
        self, mailroom: Mailroom, stage: str, at_most: int | None = None
    ) -> Generator[Any, Any, None]:
        """Play until the balances are settled or a limit is reached.

        Parameters
        ----------
        mailroom : Mailroom
        stage : str
        at_most : int, optional
            Rounds from now on; without it all that the method allows.

        Raises
        ------
        NoAnswer
            Naming a party that has no answer, or that fell silent.
        """
        self.settled = self._was_near = False
        self.acceleration.forget()
        limit = self.rules.rounds if at_most is None else len(self.records) + at_most
        while not self.settled and len(self.records) < limit and not self.limits.over:
            yield from self._round(mailroom, stage)
            self._tell()
            self._miss()

    def _round(self, mailroom: Mailroom, stage: str) -> Generator[Any, Any, None]:
        number, window = len(self.records) + 1, self.acceleration.window
        mailroom.next_round()
        for house in self.houses.values():
            for signal in house.signals(stage, number, window):
                mailroom.post(signal)
        yield mailroom.together({name: party.act for name, party in self.parties.items()})
        by_name = {}
        for name, house in self.houses.items():
            house.hear(mailroom.empty(name), number)
            by_name[name] = house.residuals()
        self._note(number, by_name)
        if not self.settled:
            self._prepare(number, by_name)

    def _note(self, number: int, found: Mapping[str, Residuals]) -> None:
        near = all(r.settled(self.rules) for r in found.values())
        fresh = all(heard > max(0, number - _FRESH) for _, heard in self._last_heard())
        # Parties are the more exact the nearer they are, so the second time is sure.
        self.settled = near and fresh and self._was_near
        self._was_near = near and fresh
        self.records.append(
            {
                "round": number,
                "imbalance": max(r.imbalance for r in found.values()),
                "dual_residual": max(r.dual for r in found.values()),
                "change": max(r.change for r in found.values()),
                "rho": {name: house.rho for name, house in self.houses.items()},
            }
        )

    def _tell(self) -> None:
        """Tell what is further from what is allowed: the imbalance, or what still moves."""
        last, rules = self.records[-1], self.rules
        measured = [(last["imbalance"], rules.tolerance), (last["change"], rules.dual_tolerance)]
        self.limits.tell(len(self.records), *max(measured, key=lambda m: m[0] / m[1]))

    def _last_heard(self) -> Iterator[tuple[str, int]]:
        """Each party that has a say, with the round of its last response that counted."""
        for house in self.houses.values():
            for party in house.parties:
                yield party, house.heard_in(party)

    def _prepare(self, number: int, found: Mapping[str, Residuals]) -> None:
        """Choose what the next round begins from: another rho, a mix, or just this round."""
        complete = all(heard == number for _, heard in self._last_heard())
        adapted = [self._adapt(house, found[n], number) for n, house in self.houses.items()]
        if any(adapted) or not complete or not self.rules.memory:
            self.acceleration.forget()
            return
        window = list(self.acceleration.window)
        products = [house.products(window, number) for house in self.houses.values()]
        total = {n: sum(p[n] for p in products) for n in [*window, number]}
        weights = self.acceleration.weights(number, total)
        for house in self.houses.values():
            house.begin_from(weights, self.acceleration.window)

    def _adapt(self, house: ClearingHouse, found: Residuals, number: int) -> bool:
        """Let a balance even out its residuals."""
        if not self.rules.adapt or number not in _ADAPTING or not found.primal + found.dual:
            return False
        # Where everybody is at a limit nobody's aim moves, and the price has far to go.
        if not found.dual:
            halfway = self.records[number // 2]["imbalance"]
            ratio = 10.0 if found.imbalance > halfway / 2 else 1.0
        else:
            ratio = float(np.clip(np.sqrt(found.primal / found.dual), 0.1, 10.0))
        if 0.5 < ratio < 2:
            return False
        house.rho *= ratio
        return True

    def _miss(self) -> None:
        """Notice who has not been heard for long, and stop or go on without it."""
        number = len(self.records)
        late = {p: heard for p, heard in self._last_heard() if number - heard > self.rules.patience}
        for party, heard in late.items():
            if self.rules.silent == "stop" or not heard:
                raise NoAnswer(_fell_silent(party, heard, number), party)
            self.silent[party] = heard
            for house in self.houses.values():
                house.go_on_without(party)
            self.acceleration.forget()

    def columns(self) -> dict[str, FloatArray]:
        """Return every party's answer; of one that fell silent, the last that counted."""
        return {n: party.answer(self.silent.get(n, 0)) for n, party in self.parties.items()}

    def fleet_points(self) -> dict[str, FleetPoint]:
        """Return what members of fleets do, with the multipliers of their last step."""
        batches = {
            name: party.step
            for name, party in self.parties.items()
            if isinstance(party.step, BatchProximal) and party.stakes.size > 1
        }
        columns = self.columns()
        return {n: FleetPoint(columns[n], step.multipliers) for n, step in batches.items()}

    def prices(self) -> dict[str, FloatArray]:
        """Return each balance's price in its shape."""
        houses = self.houses.values()
        return {h.name: np.reshape(h.price, h.shape, order="F") for h in houses}


def refuse_silenced_balances(game: Game, faults: Faults) -> None:
    """Refuse faults that silence a balance: without its price there is no exchange.

    Raises
    ------
    ValueError
        Naming the balances and who can fall silent.
    """
    mute = [f"'{b.name}'" for b in game.balances if b.name in faults.silent]
    if mute:
        able = ", ".join(f"'{agent.name}'" for agent in game.deciders)
        raise ValueError(
            f"silent of Faults names {', '.join(mute)}, which is a balance and not an agent; "
            f"agents that can fall silent: {able}"
        )


def _fell_silent(party: str, heard: int, number: int) -> str:
    if not heard:
        return f"agent '{party}' was not heard once in {number} rounds; mend its messages"
    return (
        f"agent '{party}' fell silent: its last response that counted is of round {heard} of "
        f"{number}; let the others go on with Admm(silent='go on')"
    )
