"""Reconfiguration of a feeder: its radial configurations, the best of them, and a proof.

``loops`` reduces a feeder to the graph of its loops, ``spanning_trees`` and ``configurations``
count and list what is radial, ``evaluation`` scores many at once. ``best_configuration`` is the way
in, with the ``search_effort`` and limits asked for: ``search`` enumerates, or goes by
``branch_exchange`` from ``starting_configurations``; ``bound`` then solves the ``relaxation`` of a
``scaled_feeder`` within ``flow_ranges``.
"""
