"""The wires: networks, the linear network of paper E, and the AC power flow that judges it.

A :class:`~equigrid.grid.network.Network` describes a feeder and never changes. Paper E's
equations E(2)-E(7) are in :mod:`equigrid.grid.linear`, which adds them to an agent's problem as
a :class:`~equigrid.grid.block.Block`; :mod:`equigrid.grid.ac` judges the outcome and shares
nothing with them; :mod:`equigrid.grid.batch` runs many power flows at once. Shipped feeders and
files are read by :mod:`equigrid.grid.cases`.
"""
