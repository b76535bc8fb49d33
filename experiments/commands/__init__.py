"""The commands behind the command line: what each does, and how failures are told.

``actions`` does it, ``guarding`` sorts failures into exit codes, ``telling`` says what a run came
to, ``progress_line`` what goes on meanwhile; ``own_system`` writes a system to start from, and
``study_name`` completes names.
"""
