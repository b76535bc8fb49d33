"""Agents put together: the game, fleets, and everything that can be wrong with them.

``game`` and ``fleet`` are declared by users, ``game_kinds`` says which method answers which game.
Checks work on compiled forms: ``game_checks``, ``balance_checks``, ``fleet_checks``,
``payment_checks`` (with ``payment_effects``, ``known_prices``), ``agent_checks`` for one's own
agent.
"""
