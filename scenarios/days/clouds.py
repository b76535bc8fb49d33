"""What clouds leave of a clear sky: a state of the day, and noise around it hour by hour."""

from dataclasses import dataclass

import numpy as np
from scipy import signal, special, stats

from equigrid.arrays import FloatArray

HOURS = 24


@dataclass(frozen=True)
class Clouds:
    """Clearness, which is 1 under a clear sky and 0 when nothing comes through.

    Attributes
    ----------
    clearness_mean, clearness_deviation : float
        Of the beta distribution of daily clearness.
    day_persistence : float
        Correlation of one day's normal score with the next one's, in [0, 1).
    hour_deviation : float
        Of the hours of a day around its state, in logits.
    hour_persistence : float
        Correlation of that noise from hour to hour, in [0, 1).
    """

    clearness_mean: float = 0.74
    clearness_deviation: float = 0.23
    day_persistence: float = 0.5
    hour_deviation: float = 0.7
    hour_persistence: float = 0.6

    def __post_init__(self) -> None:
        """Check."""
        if result := self.findings():
            raise ValueError("\n".join(result))

    def findings(self) -> list[str]:
        """Say which figures are out of range, one sentence each."""
        mean, deviation = self.clearness_mean, self.clearness_deviation
        findings = [
            f"{name} of clouds is {getattr(self, name)}; it must lie in [0, 1)"
            for name in ("day_persistence", "hour_persistence")
            if not 0 <= getattr(self, name) < 1
        ]
        if not 0 < mean < 1:
            findings += [f"clearness_mean of clouds is {mean}; it must lie in (0, 1)"]
        elif not 0 < deviation**2 < mean * (1 - mean) or deviation < 0:
            findings += [
                f"clearness_deviation of clouds is {deviation}; it must lie in "
                f"(0, {np.sqrt(mean * (1 - mean)):.3g}), or no beta distribution has it"
            ]
        if not 0 <= self.hour_deviation < np.inf:
            findings += [
                f"hour_deviation of clouds is {self.hour_deviation}; it must be at least 0"
            ]
        return findings

    def draw(self, days: int, generator: np.random.Generator) -> FloatArray:
        """Draw the clearness of successive days, shape (days, 24).

        Parameters
        ----------
        days : int
        generator : numpy.random.Generator
            More days from a fresh one begin with the same days as fewer.
        """
        of_days, of_hours = generator.spawn(2)
        daily = self._daily(_persistent(of_days, days, self.day_persistence))
        noise = _persistent(of_hours, days * HOURS, self.hour_persistence)
        logits = special.logit(daily)[:, None] + self.hour_deviation * noise.reshape(days, HOURS)
        return np.asarray(special.expit(logits))

    def _daily(self, score: FloatArray) -> FloatArray:
        """Beta distributed clearness of a normal score."""
        mean, variance = self.clearness_mean, self.clearness_deviation**2
        concentration = mean * (1 - mean) / variance - 1
        beta = stats.beta(mean * concentration, (1 - mean) * concentration)
        # At 0 and at 1 a logit is infinite.
        return np.asarray(np.clip(beta.ppf(special.ndtr(score)), 1e-9, 1 - 1e-9))


def _persistent(generator: np.random.Generator, count: int, persistence: float) -> FloatArray:
    """Draw a stationary autoregressive series with mean 0 and deviation 1."""
    steps = generator.standard_normal(count)
    steps[1:] *= np.sqrt(1 - persistence**2)
    return np.asarray(signal.lfilter([1.0], [1.0, -persistence], steps))
