"""A decision: one agent's own optimum at what it hears, with what proves it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.markets.accounts.dlmp_decomposition import labelled_rows
from equigrid.markets.certification.check import Check
from equigrid.markets.certification.decision_checks import bound_gap, decision_checks
from equigrid.markets.forms.points import Point
from equigrid.markets.forms.standard_form import StandardForm


@dataclass(frozen=True, eq=False)
class Decision:
    """What one agent decides alone.

    Attributes
    ----------
    values : Mapping of str to array
        What it says, by ``"agent.quantity"``.
    objective, bound : float
        In its own sense; the bound is the solver's.
    status : str
        ``optimal``, or ``limit`` where a limit ended the search for whole numbers.
    point : Point
        Columns with multipliers, in its own standard form.
    """

    form: StandardForm = field(repr=False)
    values: Mapping[str, FloatArray]
    objective: float
    bound: float
    status: str
    point: Point = field(repr=False)

    @property
    def gap(self) -> float:
        """Distance of the objective from the bound, as a share of the money that it moves."""
        return abs(bound_gap(self.form, self.point, self.objective, self.bound))

    @property
    def multipliers(self) -> Mapping[str, FloatArray]:
        """What one unit more of room in each labelled constraint is worth, in its shape.

        Of limits at least 0. With whole numbers, where these are fixed at the decision.

        Raises
        ------
        UnusableGame
            When a constraint takes other than one row an entry, as absolute values do.
        """
        if not len(self.point.rows):
            return MappingProxyType({})
        return MappingProxyType(
            {
                label: np.reshape(self.point.rows[rows], shape, order="F")
                for label, rows, shape in labelled_rows(self.form)
            }
        )

    def checks(self, tolerance: Mapping[str, float]) -> tuple[Check, ...]:
        """Return what is asked of it: feasible, of the objective that it says, and optimal.

        Parameters
        ----------
        tolerance : Mapping of str to float
            ``gap, settlement``.
        """
        return tuple(decision_checks(self.form, self.point, self.objective, self.bound, tolerance))
