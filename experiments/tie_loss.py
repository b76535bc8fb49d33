"""What the leader loses at the worst tie, and from where on it is much."""

import math

from equigrid.markets.certification.certificate import Certificate

LARGE = 0.01
"""A share of the leader's objective; an answer that loses more is said to rest on ties."""
ENDLESS = "endless"


def told_loss(certificate: Certificate) -> float | str | None:
    """Return the share that is lost, in a word where it has no end; None where not looked for.

    >>> told_loss(Certificate(leader_objective=8.0, worst_tie_objective=6.0))
    0.25
    >>> told_loss(Certificate(leader_objective=8.0, worst_tie_objective=-math.inf))
    'endless'
    """
    loss = certificate.worst_tie_loss
    if loss is None or math.isnan(loss):
        return None
    return loss if math.isfinite(loss) else ENDLESS
