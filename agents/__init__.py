"""The parties of a grid, each one declaration: its optimisation, what it hears and what it says.

``disco`` and ``microgrid`` are of paper E, ``prosumer_aggregator`` and ``network_operator`` of
paper A; ``assets`` are what they own, ``shell`` is how a party is seen in a Mesa model.
"""
