"""The certificate of an equilibrium: what was measured of it, and what that is held against.

Every agent is solved again alone, through cvxpy, with what the others said. No bound, reduction or
program of a method is used. Multipliers that a method offers are held against the agent's own
standard form, in which nothing of a method is left.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from equigrid.markets.certification.ac_findings import AcFindings
from equigrid.markets.certification.certificate_checks import certificate_checks
from equigrid.markets.certification.certificate_figures import CertificateFigures
from equigrid.markets.certification.check import Check
from equigrid.markets.certification.claim import Claim


@dataclass(frozen=True)
class Certificate(CertificateFigures):
    """What was proven of an answer; its figures are those of `CertificateFigures`."""

    def with_ac(self, findings: AcFindings) -> "Certificate":
        """Return the certificate with what AC power flow says."""
        return replace(self, ac=findings)

    def checks(
        self, tolerance: Mapping[str, float], claim: Claim = Claim.LEADER_OPTIMUM
    ) -> tuple[Check, ...]:
        """Return every check: what was asked, measured and allowed, and whether it holds.

        What is lost at the worst tie is for information: the answer is an equilibrium all the same.

        Parameters
        ----------
        tolerance : Mapping of str to float
            ``regret, gap, settlement, ac_voltage_pu, ac_loading_percent``.
        claim : Claim
            What the answer says that it is: a leader's optimum, the least total cost, best
            responses, or nothing.
        """
        return tuple(certificate_checks(self, tolerance, claim))

    def shortcomings(self, tolerance: Mapping[str, float], *, proven: bool = True) -> list[str]:
        """Return a sentence for each check that does not hold.

        Parameters
        ----------
        tolerance : Mapping of str to float
            As for :meth:`checks`.
        proven : bool
            Whether a proof of an optimum is asked for.
        """
        claim = Claim.LEADER_OPTIMUM if proven else Claim.BEST_RESPONSES
        return [c.shortfall for c in self.checks(tolerance, claim) if c.holds is False]
