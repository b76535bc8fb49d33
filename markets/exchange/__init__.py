"""Balances settled by talking: the rounds, both sides of them, and the central problem beside.

Begin with :mod:`~equigrid.markets.exchange.talk`, which goes through the rounds;
:mod:`~equigrid.markets.exchange.clearing` is a balance's side of one and
:mod:`~equigrid.markets.exchange.participant` an agent's. The files ``batch_*`` solve the steps of
all members of a fleet at once. The method is :class:`~equigrid.markets.equilibrium.admm.Admm`.
"""
