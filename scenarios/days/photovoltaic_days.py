"""Days of photovoltaic output, drawn from clear-sky geometry and a process of clouds."""

from dataclasses import dataclass, field

import numpy as np

from equigrid.arrays import FloatArray
from equigrid.scenarios.days.clear_sky import Panel
from equigrid.scenarios.days.clouds import Clouds
from equigrid.scenarios.seeds import stream

DAYS_OF_YEAR = 365


@dataclass(frozen=True)
class PhotovoltaicDays:
    """A process from which days are drawn; it stands in for a history that is not there.

    Attributes
    ----------
    panel : Panel
    clouds : Clouds
    first_day, last_day : int
        The season, in days of the year from 1 to 365. It may reach over the new year.

    Examples
    --------
    >>> days = PhotovoltaicDays().draw(1000, seed=7)
    >>> days.shape, bool((days >= 0).all()), bool((days <= 0.83).all())
    ((1000, 24), True, True)
    """

    panel: Panel = field(default_factory=Panel)
    clouds: Clouds = field(default_factory=Clouds)
    first_day: int = 1
    last_day: int = DAYS_OF_YEAR

    def __post_init__(self) -> None:
        """Check."""
        collected = [
            f"{name} of a season is {getattr(self, name)}; it must lie in 1 … {DAYS_OF_YEAR}"
            for name in ("first_day", "last_day")
            if getattr(self, name) not in range(1, DAYS_OF_YEAR + 1)
        ]
        if collected:
            raise ValueError("\n".join(collected))

    def draw(self, days: int, seed: int) -> FloatArray:
        """Draw successive days of the season, which begins anew when it is over.

        Parameters
        ----------
        days : int
            At least 1.
        seed : int
            Root seed of the study.

        Returns
        -------
        array of shape (days, 24)
            Hourly means, relative to the rated power.

        Raises
        ------
        ValueError
            When there is no day to draw.
        """
        if days < 1:
            raise ValueError(f"{days} days cannot be drawn; ask for at least 1")
        season = np.arange(self._length()) + self.first_day - 1
        calendar = np.resize(season, days) % DAYS_OF_YEAR + 1
        clearness = self.clouds.draw(days, stream(seed, "photovoltaic days"))
        return self.panel.after_inverter(self.panel.clear_output(calendar) * clearness)

    def _length(self) -> int:
        return (self.last_day - self.first_day) % DAYS_OF_YEAR + 1
