"""What a photovoltaic panel would yield under a sky without clouds, by the geometry of the sun."""

from dataclasses import dataclass

import numpy as np

from equigrid.arrays import FloatArray, IntArray

HOURS = 24
STEPS_PER_HOUR = 12


@dataclass(frozen=True)
class Panel:
    """Photovoltaic modules with their inverter, all figures per unit of their rated power.

    Attributes
    ----------
    latitude_deg : float
        Positive north.
    tilt_deg : float
        From the horizontal.
    azimuth_deg : float
        Of the direction it faces: 0 south, 90 west, 180 north.
    performance_ratio : float
        Output per rated power at 1 kW/m² in its plane, heat, dirt and wiring included.
    inverter_max : float
        Most that the inverter passes, per rated power of the modules.
    inverter_min : float
        Output below which the inverter stands still, per rated power of the modules.

    Examples
    --------
    >>> day = Panel(latitude_deg=30.0).clear_output(np.array([172]))[0]
    >>> bool(day[11] == day.max()), float(day[0])
    (True, 0.0)
    """

    latitude_deg: float = 30.0
    tilt_deg: float = 30.0
    azimuth_deg: float = 0.0
    performance_ratio: float = 0.85
    inverter_max: float = 0.83
    inverter_min: float = 0.005

    def findings(self) -> list[str]:
        """Say which figures are out of range, one sentence each."""
        ranges = {
            "latitude_deg": (-90, 90),
            "tilt_deg": (0, 90),
            "azimuth_deg": (-180, 180),
            "performance_ratio": (0, 1),
            "inverter_max": (0, np.inf),
            "inverter_min": (0, self.inverter_max),
        }
        return [
            f"{name} of a panel is {getattr(self, name)}; it must lie in [{low:g}, {high:g}]"
            for name, (low, high) in ranges.items()
            if not low <= getattr(self, name) <= high
        ]

    def __post_init__(self) -> None:
        """Check."""
        if result := self.findings():
            raise ValueError("\n".join(result))

    def clear_output(self, day_of_year: IntArray) -> FloatArray:
        """Return hourly means of the output without clouds, before the inverter, shape (D, 24).

        Parameters
        ----------
        day_of_year : array of shape (D,)
            1 on the first of January. Hours are solar time.
        """
        direct, incidence = self._sun(np.asarray(day_of_year))
        diffuse = 0.1 * (1 + np.cos(np.radians(self.tilt_deg))) / 2
        in_plane = direct * (np.maximum(incidence, 0.0) + diffuse)
        hourly = in_plane.reshape(-1, HOURS, STEPS_PER_HOUR).mean(axis=2)
        return np.asarray(self.performance_ratio * hourly)

    def after_inverter(self, output: FloatArray) -> FloatArray:
        """Cut off what the inverter does not pass."""
        passed = np.minimum(output, self.inverter_max)
        return np.where(passed < self.inverter_min, 0.0, passed)

    def _sun(self, day_of_year: IntArray) -> tuple[FloatArray, FloatArray]:
        """Direct irradiance in kW/m² and the cosine of its incidence, each (D, steps)."""
        declination = np.radians(23.45 * np.sin(2 * np.pi * (284 + day_of_year[:, None]) / 365))
        steps = HOURS * STEPS_PER_HOUR
        hour_angle = 2 * np.pi * ((np.arange(steps) + 0.5) / steps - 0.5)
        latitude, tilt, azimuth = np.radians([self.latitude_deg, self.tilt_deg, self.azimuth_deg])
        # The direction of the sun as up, south and west; then that of the panel.
        upward = np.cos(declination) * np.cos(hour_angle)
        up = np.sin(declination) * np.sin(latitude) + upward * np.cos(latitude)
        south = upward * np.sin(latitude) - np.sin(declination) * np.cos(latitude)
        west = np.cos(declination) * np.sin(hour_angle)
        incidence = np.cos(tilt) * up + np.sin(tilt) * (
            np.cos(azimuth) * south + np.sin(azimuth) * west
        )
        return _direct_irradiance(up), incidence


def _direct_irradiance(sine_of_elevation: FloatArray) -> FloatArray:
    """Direct irradiance of a clear sky in kW/m² (Meinel), by air mass (Kasten and Young)."""
    risen = sine_of_elevation > 0
    elevation = np.degrees(np.arcsin(np.clip(sine_of_elevation, 0.0, 1.0)))
    air_mass = 1 / (np.sin(np.radians(elevation)) + 0.50572 * (elevation + 6.07995) ** -1.6364)
    return np.where(risen, 1.353 * 0.7 ** (air_mass**0.678), 0.0)
