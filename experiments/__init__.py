"""Studies: files that are read, run, certified, reported and replayed.

From above: ``cli`` is the command line and ``commands`` what each command does. ``running`` finds
the system that a study names, plays its cases and makes a ``result`` of them. ``disco_microgrids``
and ``frp_aggregator`` are the shipped systems, ``studies`` their files, ``templates`` what ``new``
writes, ``timetable`` a day that both go through. ``report`` shows a result, of which each system
says its part (``report_content``), ``replay`` rebuilds it from its messages (``logged_run``).
``system`` is what a system is, ``world`` one case on its clock, ``spec`` what a file may say.

Beside studies: ``operation`` and ``reconfigure`` look at a feeder alone (``feeder_loads``,
``feeder_places``), ``deliveries`` deliver at random what a result has sold. ``writable`` says where
results may be written and ``whole`` writes them, ``strict`` keeps JSON to the standard, and
``tie_loss`` says when ties matter.
"""
