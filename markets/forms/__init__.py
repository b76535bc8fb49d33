"""Agents as matrices, and one program solved at a time.

``compilation`` turns a declaration into a ``standard_form``; ``linear_program`` assembles larger
ones. ``highs_model`` and ``quadratic_model`` are solvers that stay, ``scaling`` and
``scaled_solve`` their units; ``agent_solver`` solves one agent again and again; ``point`` is an
answer with its multipliers, as engines hand it over.
"""
