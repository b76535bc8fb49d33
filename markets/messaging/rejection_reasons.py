"""Reasons for which an offer of flexibility may be rejected: a closed list.

UFTP has reasons as free text and lists usual ones in its chapter on the validation of messages.
Those of them that can arise here are restated first; the others are what it calls "other reasonable
causes" and leaves to its users. A step is what UFTP calls an ISP, imbalance settlement period.
"""

from collections.abc import Iterable
from enum import StrEnum


class RejectionReason(StrEnum):
    """Why an offer is rejected.

    UFTP's: ``INVALID_MESSAGE``, a figure is negative, not finite or missing. ``UNKNOWN_SENDER``.
    ``ALREADY_SUBMITTED``, the same offer came before. ``DUPLICATE_IDENTIFIER``, another offer under
    the same name came before. ``INVALID_CONGESTION_POINT``, it is unknown, or the sender has nobody
    there. ``UNKNOWN_REFERENCE``, there is no such request. ``REFERENCE_PERIOD_MISMATCH``, the
    request is about another period. ``REFERENCE_EXPIRED``, the offer came too late.
    ``ISP_DURATION_REJECTED``, steps are of another length than agreed. ``ISPS_OUT_OF_BOUNDS``,
    there is no such step. ``ISP_CONFLICT``, a step is told twice. ``PERIOD_OUT_OF_BOUNDS``, the
    period is over. ``PRICE_MISSING``, a step that was asked for has no price.

    Others: ``PRICE_ABOVE_CAP``. ``NOT_CONTRACTED``, the sender has no contract for this congestion
    point. ``NOT_DELIVERABLE``, more than the sender's devices can deliver. ``PAYBACK_ABOVE_LIMIT``,
    more energy comes back later than the request allows. ``PAYBACK_OUT_OF_BOUNDS``, it comes back
    in a step in which it must not.
    """

    INVALID_MESSAGE = "invalid-message"
    UNKNOWN_SENDER = "unknown-sender"
    ALREADY_SUBMITTED = "already-submitted"
    DUPLICATE_IDENTIFIER = "duplicate-identifier"
    INVALID_CONGESTION_POINT = "invalid-congestion-point"
    UNKNOWN_REFERENCE = "unknown-reference"
    REFERENCE_PERIOD_MISMATCH = "reference-period-mismatch"
    REFERENCE_EXPIRED = "reference-expired"
    ISP_DURATION_REJECTED = "isp-duration-rejected"
    ISPS_OUT_OF_BOUNDS = "isps-out-of-bounds"
    ISP_CONFLICT = "isp-conflict"
    PERIOD_OUT_OF_BOUNDS = "period-out-of-bounds"
    PRICE_MISSING = "price-missing"
    PRICE_ABOVE_CAP = "price-above-cap"
    NOT_CONTRACTED = "not-contracted"
    NOT_DELIVERABLE = "not-deliverable"
    PAYBACK_ABOVE_LIMIT = "payback-above-limit"
    PAYBACK_OUT_OF_BOUNDS = "payback-out-of-bounds"


def rejection_reasons(reasons: Iterable[str]) -> tuple[RejectionReason, ...]:
    """Return reasons as members of the closed list.

    Raises
    ------
    ValueError
        Naming all that are none.

    Examples
    --------
    >>> rejection_reasons(["price-above-cap"])
    (<RejectionReason.PRICE_ABOVE_CAP: 'price-above-cap'>,)
    """
    if isinstance(reasons, str) or not isinstance(reasons, Iterable):
        raise ValueError(f"reasons must be a list, such as ['price-above-cap'] (got {reasons!r})")
    told, known = list(reasons), [str(reason) for reason in RejectionReason]
    wrong = [repr(reason) for reason in told if reason not in known]
    if wrong:
        raise ValueError(
            f"no reason to reject an offer: {', '.join(wrong)}; known are {', '.join(known)}"
        )
    return tuple(RejectionReason(reason) for reason in told)
