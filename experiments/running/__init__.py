"""Running studies: finding their system, playing their cases, and what comes of it.

``systems`` finds what a study names, ``own_code`` places errors in it, ``loading`` reads studies.
``played`` plays cases, ``case_results`` makes results of them, ``run`` is what users call.
"""
