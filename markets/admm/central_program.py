"""The central problem of an exchange: total cost of all agents subject to the balances."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from equigrid.arrays import FloatArray
from equigrid.errors import UnusableGame
from equigrid.markets.forms.highs_model import Assembled, Solution
from equigrid.markets.forms.quadratic_model import QuadraticModel
from equigrid.markets.forms.scaled_solve import ModelInOwnUnits
from equigrid.markets.forms.search_limits import SearchLimits
from equigrid.markets.forms.standard_form import StandardForm
from equigrid.markets.games.balance_shares import Market, known_heard, market_of, signed_shares
from equigrid.markets.games.game import Game

_ENDLESS = 1_000_000_000


@dataclass(frozen=True, eq=False)
class CentralAnswer:
    """What a planner who knows everything would do.

    Attributes
    ----------
    status : str
        ``optimal``, ``infeasible`` or ``unbounded``, or what else a solver says.
    columns : dict of str to array
        Of each decider, in its own standard form.
    prices : dict of str to array
        Of each balance per unit and hour, in its shape.
    cost, bound : float
        Total cost, and the least that it can be.
    settled : bool
        Whether the gap was reached, where there are whole numbers.
    """

    status: str
    columns: dict[str, FloatArray]
    prices: dict[str, FloatArray]
    cost: float
    bound: float
    settled: bool = True


class CentralProgram:
    """All forms side by side, with the balances as equalities below them.

    Parameters
    ----------
    game : Game
        With balances, and without a leader.

    Raises
    ------
    UnusableGame
        When an agent has whole numbers and another a quadratic cost.
    """

    def __init__(self, game: Game) -> None:
        self.game = game
        self.forms: dict[str, StandardForm] = {a.name: game.forms[a.name] for a in game.deciders}
        self.heard = {name: known_heard(game, name) for name in self.forms}
        self.markets = [market_of(game, balance) for balance in game.balances]
        self._refuse_mixed()

    @property
    def size(self) -> int:
        """Number of columns."""
        return sum(form.columns for form in self.forms.values())

    @property
    def offset(self) -> float:
        """Cost that nobody decides."""
        return float(
            sum(f.offset + f.offset_of_heard @ self.heard[n] for n, f in self.forms.items())
        )

    def coupling(self) -> tuple[sparse.csr_array, FloatArray]:
        """Return the balances as rows Ex = e over all columns."""
        blocks, rhs = [], []
        for market in self.markets:
            shares = [self._share(market, name) for name in self.forms]
            blocks.append(sparse.hstack([matrix for matrix, _ in shares], format="csr"))
            rhs.append(market.rhs - np.sum([constant for _, constant in shares], axis=0))
        return sparse.csr_array(sparse.vstack(blocks)), np.concatenate(rhs)

    def _share(self, market: Market, name: str) -> tuple[sparse.csr_array, FloatArray]:
        share = signed_shares(self.forms[name], market.balance, market.shape)
        return share.of_columns, share.constant + share.of_heard @ self.heard[name]

    def assembled(self) -> Assembled:
        """Return the program without its curvature; balances are the last rows."""
        forms = list(self.forms.values())
        coupling, equal_to = self.coupling()
        rhs = np.concatenate([form.rhs_at(self.heard[n]) for n, form in self.forms.items()])
        equal = np.concatenate([np.arange(len(f.rhs)) < f.equal_rows for f in forms])
        own = sparse.block_diag([sparse.coo_array(form.matrix) for form in forms])
        return Assembled(
            matrix=sparse.csr_array(sparse.vstack([sparse.csr_array(own), coupling])),
            row_lower=np.concatenate([np.where(equal, rhs, -np.inf), equal_to]),
            row_upper=np.concatenate([rhs, equal_to]),
            lower=np.concatenate([form.lower for form in forms]),
            upper=np.concatenate([form.upper for form in forms]),
            cost=np.concatenate([f.cost_at(self.heard[n]) for n, f in self.forms.items()]),
            integer=np.concatenate([form.integer for form in forms]),
            offset=self.offset,
        )

    def solve(self, gap: float = 0.0, effort: SearchLimits | None = None) -> CentralAnswer:
        """Solve to a relative gap, which matters for whole numbers only.

        With whole numbers, prices are those of the linear program that is left when they are
        fixed at the answer.

        Parameters
        ----------
        gap : float
        effort : SearchLimits, optional
            What the search for whole numbers may spend.
        """
        stated = self.assembled()
        curved = any(form.is_quadratic for form in self.forms.values())
        if curved:
            return self._quadratic(stated)
        if stated.integer.any():
            return self._whole(stated, gap, effort or SearchLimits(_ENDLESS))
        model = ModelInOwnUnits(stated)
        return self._linear(model, model.solve())

    def _whole(self, stated: Assembled, gap: float, effort: SearchLimits) -> CentralAnswer:
        size = sum(stated.matrix.shape)
        model = ModelInOwnUnits(
            stated,
            mip_rel_gap=gap,
            mip_abs_gap=0.0,
            mip_max_nodes=effort.nodes_left(size),
            time_limit=effort.seconds_left,
        )
        best = model.solve()
        effort.spend(best.nodes, best.iterations, size, cutting=True)
        if not best.found:
            return CentralAnswer(best.status, {}, {}, np.nan, np.nan)
        result = self._linear(model, model.fixed_at(best, np.flatnonzero(stated.integer)))
        return replace(result, bound=best.bound, settled=best.status == "optimal")

    def _linear(self, model: ModelInOwnUnits, found: Solution) -> CentralAnswer:
        if found.status != "optimal":
            return CentralAnswer(found.status, {}, {}, np.nan, np.nan)
        return self._answer(found.columns, model.row_duals(), found.objective, found.bound)

    def _quadratic(self, stated: Assembled) -> CentralAnswer:
        curved = sparse.block_diag([sparse.coo_array(f.quadratic) for f in self.forms.values()])
        solution = QuadraticModel(stated, sparse.csr_array(curved)).solve()
        if solution.status != "optimal":
            status = solution.words if solution.status == "failed" else solution.status
            return CentralAnswer(status, {}, {}, np.nan, np.nan)
        cost, bound = solution.objective + self.offset, solution.bound + self.offset
        return self._answer(solution.columns, solution.row_duals, cost, bound)

    def _answer(
        self, columns: FloatArray, duals: FloatArray, cost: float, bound: float
    ) -> CentralAnswer:
        ends = np.cumsum([form.columns for form in self.forms.values()])[:-1]
        parts = dict(zip(self.forms, np.split(columns, ends), strict=True))
        sizes = [len(market.rhs) for market in self.markets]
        tail = np.split(duals[len(duals) - sum(sizes) :], np.cumsum(sizes)[:-1])
        prices = {
            market.balance.name: np.reshape(dual / market.balance.length_h, market.shape, order="F")
            for market, dual in zip(self.markets, tail, strict=True)
        }
        return CentralAnswer("optimal", parts, prices, cost, bound)

    def _refuse_mixed(self) -> None:
        whole = [name for name, form in self.forms.items() if form.integer.any()]
        curved = [name for name, form in self.forms.items() if form.is_quadratic]
        if whole and curved:
            raise UnusableGame(
                [
                    f"agent '{whole[0]}' has whole numbers and agent '{curved[0]}' a quadratic "
                    "cost, which no solver here takes together; write the cost piecewise linear"
                ]
            )
