"""The methods that users call: ``exact``, ``best_response``, ``admm``.

Each runs an engine and has its answer certified; they alone call ``certify``.
"""
