"""What may happen: days of load and sun, scenario sets, probabilities and their ambiguity.

``scenario_set`` is the result; ``days`` draws or reads series, ``reduction`` and ``intervals`` cut
them down to a few scenarios, ``ambiguity`` holds distributions near the nominal one, ``seeds``
names random streams.
"""
