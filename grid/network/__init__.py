"""The description of a feeder: ``network``, of ``tables`` with ``columns``, kept by ``checks``.

``topology`` finds loops and islands, with the graph algorithms of ``components``; ``feeders`` reads
shipped feeders and files.
"""
