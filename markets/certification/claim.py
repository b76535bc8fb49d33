"""Claims: what an answer says that it is, from which follows what is asked of it."""

from enum import Enum

from equigrid.markets.games.game_kinds import Kind


class Claim(Enum):
    """What an answer claims to be; the value says it in words."""

    LEADER_OPTIMUM = "the leader's optimum"
    TOTAL_OPTIMUM = "the least total cost"
    BEST_RESPONSES = "best responses to each other"
    NOTHING = "nothing"


def claim_of(kind: Kind, method: str) -> Claim:
    """Return what a method's answer to a game of a kind claims to be.

    A negotiation proves no bound, so below a leader only best responses are claimed of it.

    >>> claim_of(Kind.LED, "exact").value, claim_of(Kind.LED, "best-response").value
    ("the leader's optimum", 'best responses to each other')
    """
    if kind is Kind.LED:
        return Claim.LEADER_OPTIMUM if method == "exact" else Claim.BEST_RESPONSES
    return Claim.TOTAL_OPTIMUM if kind is Kind.BALANCES else Claim.BEST_RESPONSES
