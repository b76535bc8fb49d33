"""Messages between parties, on the one clock.

``messages`` are what parties may say, ``mailroom`` delivers and logs them, ``faults`` loses, delays
and doubles them, ``posting`` makes messages of an answer.
"""
