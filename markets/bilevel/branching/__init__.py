"""Branching on complementarity: of every pair one is zero.

``search`` is the branch and bound, ``nodes`` evaluates one, ``component_programs`` holds the linear
programs that nodes change (each a ``lazy_program``), ``incumbents`` makes answers of relaxed
points, ``propagation`` fixes what can no longer bind, ``pseudo_costs`` chooses the pair.
"""
