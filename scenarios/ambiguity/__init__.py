"""Distributions near a nominal one: ``ambiguity_set`` finds the worst expectation.

``probability_limits`` are the polytopes, ``probability_checks`` what is wrong with input.
"""
