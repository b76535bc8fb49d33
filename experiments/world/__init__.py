"""The world of one case: parties, messages and network on one clock, and evidence by stage.

``world`` has the verbs of a day (``play``, ``decide``, ``operate``, ``check``, ``pay``, …).
``stage`` collects what each of them leaves, ``case_run`` is what KPIs and tables are read from.
``playing`` plays games with rounds of a ``linear_network``, ``operation`` is AC power flow,
``ledger`` money beside games, ``ends`` says how a search ended, ``following`` drives a day.
"""
