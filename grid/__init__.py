"""Distribution networks: their description, linear models, and AC power flow.

``network`` describes feeders; ``pandapower`` reads and writes pandapower nets; ``linear`` has
LinDistFlow and sensitivities; ``ac`` is power flow by pandapower, ``batch`` many flows at once,
``verified_flow`` both together, of ``flow_columns``; ``switching`` finds radial configurations;
``block`` is what a network or an asset adds to an agent's problem.
"""
