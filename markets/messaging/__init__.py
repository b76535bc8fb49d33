"""Messages between parties, on the one clock.

``messages`` are what parties may say, with ``rejection_reasons`` for offers of flexibility;
``mailroom`` delivers them and ``message_log`` keeps them, all or the last rounds; ``faults`` loses,
delays and doubles them, ``posting`` makes messages of an answer, ``talk_limits`` end a talk by
work, by the clock or by Ctrl-C.
"""
