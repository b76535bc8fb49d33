"""Agents that answer each other in turns: one pass in order, Nash games, several leaders.

Begin with :mod:`~equigrid.markets.turns.rounds`, which goes on until nobody moves; a
:class:`~equigrid.markets.turns.party.Party` reads and writes the mail of a player, and a player
decides. The method is :class:`~equigrid.markets.equilibrium.best_response.BestResponse`.
"""
