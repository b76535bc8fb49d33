"""Balances settled by the alternating direction method of multipliers, and centrally.

``rounds`` asks everybody once; ``clearing_house`` is a balance's side and moves its price,
``participant`` an agent's, with its ``proximal`` step; ``acceleration`` mixes rounds.
``central_program`` is the same problem in one piece; ``batch`` steps all members of a fleet at
once.
"""
