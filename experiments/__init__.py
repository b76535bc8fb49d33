"""Studies: files that are read, run, certified, reported and replayed.

``cli`` is the command line. ``study`` reads a file by its ``schema`` (``reading``, ``findings``),
``checks`` and ``plausibility`` look at it; ``run`` plays each case (``case_run``) in a ``world``
with one clock; ``result`` is what it leaves behind, ``report`` shows it and ``replay`` rebuilds it
from its messages. ``systems`` names the shipped systems, each a folder of its own.
"""
