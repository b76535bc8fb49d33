"""The proof of an answer, by code that shares nothing with the engines and methods that found it.

``certify`` is the face and gives a ``certificate``. It asks every agent again: ``standalone``
programs for ``best_response_check`` and ``leader_check``, ``kkt_residuals`` of multipliers,
``dual_residual`` of prices, ``fleet_check`` by weak duality, ``worst_tie`` for what ties may cost.
"""
