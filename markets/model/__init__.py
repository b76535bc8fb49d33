"""Plain declarations: an agent, what it hears and says, links, payments, balances.

``agent``, ``link``, ``payment``, ``balance``; ``sources`` are what can be linked and paid at,
``step_length`` the hours of a step.
"""
