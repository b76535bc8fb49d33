"""Agents as matrices, and one program solved at a time.

``compilation`` turns a declaration into a ``standard_form``; ``linear_program`` assembles larger
ones. ``highs_model`` and ``quadratic_model`` are solvers that stay, ``scaling`` and
``scaled_solve`` their units; ``cancellation`` tells figures from last digits; ``agent_solver``
solves one agent again and again; ``points`` are answers with their multipliers, as engines hand
them over.
"""
