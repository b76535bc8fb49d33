"""One leader above followers: a bilevel program by KKT conditions and strong duality.

``leader_program`` has the leader's columns, ``kkt`` the followers' conditions (after
``follower_presolve``), ``strong_duality`` the payments at decided prices. ``mpcc`` is the program
with complementarity pairs, made small by ``substitution`` and split by ``components``. Two routes
solve it: ``branching`` on complementarity, and ``big_m``, a binary a pair; ``concurrent_search``
runs both, ``component_search`` one component after another, within the search limits of ``forms``.
"""
