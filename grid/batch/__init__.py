"""Many power flows at once: one row, one flow.

:func:`~equigrid.grid.batch.flow.power_flow_batch` is the way in. ``wires`` turns a network into
plain arrays per unit; ``tree`` lays the closed branches of a row out from its sources; ``grove``
puts eight trees side by side; ``sweep`` solves eight rows at once (``lanes``), of one tree or of
one each (``places``); ``report`` tells voltages, currents and losses; ``kernel`` runs all of it
over the rows in parallel. ``meshed`` hands rows with loops to power-grid-model.
"""
