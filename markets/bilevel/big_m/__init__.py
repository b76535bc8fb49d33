"""The mixed-integer route: a binary for every pair, with derived bounds, never guessed ones.

``milp`` is the program; ``pair_bounds`` its big-M constants, from ``multiplier_bounds`` (with
``excess_ratio`` and ``vertex_multipliers``) over the ``column_ranges`` of each follower.
"""
