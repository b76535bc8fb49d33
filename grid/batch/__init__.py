"""Many AC power flows at once: one row, one flow.

:func:`~equigrid.grid.batch.flow.power_flow_batch` is the way in: ``request`` reads what it is
given, ``result`` is what it returns. ``two_ports`` and ``transformers`` make a network per unit,
``kernels`` solve radial rows, compiled, and ``meshed`` hands rows with loops to power-grid-model.
"""
