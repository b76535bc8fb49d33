"""Which branches of a feeder to close: its radial configurations, the best of them, a proof.

``loops`` reduces a feeder to the branches whose switching matters, ``configurations`` counts its
radial configurations and lists them, ``judge`` runs the power flows of many at once. ``best`` is
the way in: it looks at every configuration where there are few enough. Where there are not,
``exchange`` searches from the configurations of ``starts``, and ``bound`` proves how much better
any other could be, with the relaxation that ``relaxation`` writes down.
"""
