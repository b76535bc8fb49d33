"""The wires: networks, their linear models, and the AC power flow that judges both.

``network`` describes feeders; ``pandapower`` reads and writes pandapower nets; ``linear`` has
LinDistFlow and sensitivities; ``ac`` is the judge by pandapower, ``batch`` many flows at once,
``verified_flow`` both together; ``switching`` finds radial configurations.
"""
