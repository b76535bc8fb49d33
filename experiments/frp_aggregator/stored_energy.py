"""What a virtual battery can hold, step by step, before anything is solved."""

from typing import Protocol

from equigrid.experiments.spec.times import step_word

_ROUNDING = 1e-9


class Limits(Protocol):
    """Limits of a virtual battery: a study's prosumer, or an agent's."""

    power_min_mw: float
    power_max_mw: float
    energy_min_mwh: float
    energy_max_mwh: float
    energy_initial_mwh: float
    energy_final_mwh: float
    efficiency: float
    retention: float


def what_cannot_be_stored(battery: Limits, steps: int, step_hours: float = 1.0) -> str:
    """Say in which step no schedule keeps a battery within its limits; nothing where one does.

    What can be held at the end of a step is an interval, A(6), A(10), A(12), and offering
    nothing asks for no more. So the answer is exact.

    Parameters
    ----------
    battery : Limits
    steps : int
    step_hours : float
        Length of a step.

    Examples
    --------
    >>> from types import SimpleNamespace as Battery
    >>> limits = dict(power_min_mw=0, power_max_mw=0.1, energy_min_mwh=0.4, energy_max_mwh=1,
    ...               energy_initial_mwh=0.5, energy_final_mwh=0.9, efficiency=1, retention=0.8)
    >>> what_cannot_be_stored(Battery(**limits), 3)[:62]
    'in hour 3 it can reach at most 0.5 MWh, but A(14) final stored'
    >>> what_cannot_be_stored(Battery(**limits), 6, 0.5)[:65]
    'in step 6 it can reach at most 0.487 MWh, but A(14) final stored '
    """
    low = high = battery.energy_initial_mwh
    kept, gained = battery.retention**step_hours, step_hours * battery.efficiency
    noun = step_word(step_hours)
    for step in range(1, steps + 1):
        low = kept * low + gained * battery.power_min_mw
        high = kept * high + gained * battery.power_max_mw
        least, most, name = battery.energy_min_mwh, battery.energy_max_mwh, "A(12) energy limits"
        if step == steps:
            least = most = battery.energy_final_mwh
            name = "A(14) final stored energy"
        if high < least - _ROUNDING:
            said = ("at most", high, name, f"at least {least:g}", "raise power_max_mw")
            return _told(f"{noun} {step}", *said)
        if low > most + _ROUNDING:
            said = ("at least", low, name, f"at most {most:g}", "lower power_min_mw")
            return _told(f"{noun} {step}", *said)
        low, high = max(low, least), min(high, most)
    return ""


def _told(when: str, bound: str, energy: float, name: str, wanted: str, remedy: str) -> str:
    return (
        f"in {when} it can reach {bound} {energy:.3g} MWh, but {name} asks for {wanted}; "
        f"{remedy} or change its energies"
    )
