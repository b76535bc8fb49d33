"""What AC power flow says of a dispatch, as plain data filled in from the grid, and its checks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from equigrid.markets.certification.check import Check

# Voltages of two AC power flows agree to this, in p.u.: a hundred times what they are exact to.
SAME_VOLTAGE = 1e-7


@dataclass(frozen=True)
class AcFindings:
    """What AC power flow says of a dispatch, as plain data filled in from the grid.

    Attributes
    ----------
    required : str
        ``enforce`` or ``report``.
    converged : bool
    max_voltage_violation_pu : float
        Greatest positive distance beyond the limits, 0 if none.
    max_loading_violation_percent : float
        Greatest excess above 100 percent, 0 if none.
    max_linear_voltage_error_pu : float or None
        Greatest distance between linear and AC voltages.
    columns : int
        So many power flows were run, such as one for each hour and scenario.
    judged_columns : int
        In so many of them pandapower was asked, and has the last word.
    max_route_difference_pu : float or None
        Greatest distance between the voltages of the two power flows there; None where there is
        only one.
    max_unsupplied_mw : float
        Greatest load of a column at buses that nothing feeds.
    """

    required: str = "enforce"
    converged: bool = True
    max_voltage_violation_pu: float = 0.0
    max_loading_violation_percent: float = 0.0
    max_linear_voltage_error_pu: float | None = None
    columns: int = 0
    judged_columns: int = 0
    max_route_difference_pu: float | None = None
    max_unsupplied_mw: float = 0.0

    def checks(self, tolerance: Mapping[str, float]) -> Iterator[Check]:
        """Yield what is asked of the wires.

        Parameters
        ----------
        tolerance : Mapping of str to float
            ``ac_voltage_pu, ac_loading_percent``.
        """
        enforced = self.required == "enforce"
        yield Check(
            "AC power flow of every step and scenario",
            float(self.converged),
            1.0,
            holds=self.converged or (False if enforced else None),
            part=WIRES,
            how=self._how(),
            shortfall="AC power flow does not converge",
            words=("converges" if self.converged else "does not converge", "all"),
        )
        yield from self._between_routes()
        if self.converged:
            yield from self._limits(tolerance, enforced=enforced)
        if self.max_unsupplied_mw > 0:
            yield Check(
                "Load at buses that nothing feeds",
                self.max_unsupplied_mw,
                unit="MW",
                part=WIRES,
                how="in the worst step; such a bus has no voltage, and violates none",
                words=("", "for information"),
            )

    def _how(self) -> str:
        if self.max_route_difference_pu is None:
            return "by pandapower, which shares nothing with the linear network"
        return (
            "by compiled sweeps, and by pandapower where a limit is nearest, which has the last "
            "word; neither knows the linear network"
        )

    def _between_routes(self) -> Iterator[Check]:
        apart = self.max_route_difference_pu
        if apart is not None:
            yield Check.asked(
                "Two AC power flows, which share nothing, differ by at most",
                apart,
                SAME_VOLTAGE,
                unit="p.u.",
                part=WIRES,
                how="the sweeps against pandapower, in the steps and scenarios nearest to each "
                "kind of limit",
                shortfall=f"two AC power flows differ by {apart:.2g} p.u., so that one is wrong",
                note=f"{self.judged_columns} of {self.columns} compared",
            )

    def _limits(self, tolerance: Mapping[str, float], *, enforced: bool) -> Iterator[Check]:
        voltage, loading = self.max_voltage_violation_pu, self.max_loading_violation_percent
        for question, value, unit, key, shortfall in (
            (
                "AC voltages beyond their limits",
                voltage,
                "p.u.",
                "ac_voltage_pu",
                f"an AC voltage is {voltage:.4f} p.u. off limits",
            ),
            (
                "Loading above rating",
                loading,
                "%",
                "ac_loading_percent",
                f"a branch is {loading:.1f} % overloaded",
            ),
        ):
            held = Check.asked(
                question, value, tolerance[key], unit=unit, part=WIRES, shortfall=shortfall
            )
            yield held if enforced else held.reported("reported only")
        if self.max_linear_voltage_error_pu is not None:
            yield Check(
                "Linear and AC voltages differ by at most",
                self.max_linear_voltage_error_pu,
                unit="p.u.",
                part=WIRES,
            )


WIRES = "The wires"
"""Part of a certificate under which its checks of AC power flow stand."""
