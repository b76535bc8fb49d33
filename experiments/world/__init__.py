"""The world of one case: parties, messages and network on one clock, and evidence by stage.

``world`` has the verbs of a day (``play``, ``decide``, ``operate``, …), ``evidence`` those that ask
and pay (``check``, ``pay``, ``balanced``); ``arguments`` checks what they are given. ``stage``
collects what each of them leaves, with money beside games in its ``ledger``; ``case_run`` is what
KPIs (``kpi``) and tables are read from.

``playing`` plays games by their ``method_settings``, with rounds of a ``linear_network``; ``ends``
says how a search ended and ``feasibility`` who has no answer. ``lone_agents`` decide without a
game, ``operation`` is AC power flow of loads at buses (``bus_series``). ``following`` drives a day
and refuses an event that was not ``awaited``; ``faults`` are those of messages, ``run_options``
what a run asks for beside its study.
"""
