"""Agents that answer each other in rounds: one pass, Nash games, EPECs, negotiation below a leader.

``rounds`` lets each ``party`` answer its mail; behind a party stands a ``player`` (best response of
one agent) or an ``epec_leader``. ``one_pass``, ``nash``, ``epec`` and ``negotiation`` are the
games; the negotiation's leader solves its ``master_program`` over all answers heard, and each
``negotiating_follower`` its own problem.
"""
