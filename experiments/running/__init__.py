"""Running studies: finding their system, playing their cases, and what comes of it.

``run`` is what users call. ``loading`` reads studies, ``systems`` finds what they name,
``own_code`` places errors in it. ``played`` plays cases; ``results`` puts together what they come
to: ``case_results``, each with its ``case_certificate``, ``kpis``, and the ``manifest`` of the run.
"""
