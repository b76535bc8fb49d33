"""Days hour by hour: ``measured_days`` from CSV files, ``photovoltaic_days`` drawn.

Drawn ones are made of a ``clear_sky`` and ``clouds``.
"""
