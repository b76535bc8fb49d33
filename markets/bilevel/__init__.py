"""One agent that leads others: their optimality conditions in its program, solved in two ways.

Begin with :mod:`~equigrid.markets.bilevel.game_program`, which states the leader with what it
hears, and :mod:`~equigrid.markets.bilevel.branching`, which searches; ``docs/model.md`` has the
mathematics. The methods are :class:`~equigrid.markets.equilibrium.exact.Exact` and, by
:mod:`~equigrid.markets.bilevel.negotiation`, ``BestResponse``.
"""
