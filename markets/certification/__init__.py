"""The proof of an answer, by code that shares nothing with the method that found it.

Begin with :func:`~equigrid.markets.certification.certify.certify`, which asks every agent again;
what it found stands in a :class:`~equigrid.markets.certification.certificate.Certificate`.
"""
