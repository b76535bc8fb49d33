"""pandapower nets read (``importer``) and written (``export``).

``options`` and ``import_notes`` name what a net carries that no network takes over.
"""
