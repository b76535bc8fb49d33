"""What a report calls the steps of a study: hours, steps of another length, or times."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from equigrid.experiments.report.words import ranges, runs
from equigrid.experiments.result import Result
from equigrid.experiments.spec.times import Times, start_of, step_word, times_of

_HOUR = 60  # minutes


@dataclass(frozen=True)
class StepNames:
    """Names of the steps 1 to T.

    Attributes
    ----------
    minutes : int
        Length of a step.
    times : tuple of datetime
        When each step begins, and when the last one ends; empty where the study does not say.

    Examples
    --------
    >>> hours, quarters = StepNames(), StepNames(15)
    >>> hours.name(5), quarters.name(5), hours.during([1, 2, 3, 7]), quarters.label
    ('hour 5', 'step 5', 'in hours 1–3, 7', 'step of 15 minutes')
    >>> dated = StepNames(15, times_of(start_of("2026-03-28 Europe/Berlin"), 8, 15))
    >>> dated.label, dated.shown(2), dated.during([2, 3, 8])
    ('2026-03-28, Europe/Berlin', '2026-03-28 00:15', 'at 00:15–00:45, 01:45–02:00')
    """

    minutes: int = _HOUR
    times: Times = ()

    @property
    def hours(self) -> float:
        """Length of a step in hours."""
        return self.minutes / _HOUR

    @property
    def noun(self) -> str:
        """What a step is called."""
        return step_word(self.hours)

    @property
    def head(self) -> str:
        """The head of a table's column of steps."""
        return "Time" if self.times else self.noun.capitalize()

    @property
    def label(self) -> str:
        """What stands below an axis of steps."""
        if self.times:
            first, last = self._days
            days = f"{first:%Y-%m-%d}" + ("" if self.of_one_day else f" to {last:%Y-%m-%d}")
            return f"{days}, {self.times[0].tzinfo}"
        return "hour" if self.minutes == _HOUR else f"step of {self._length}"

    @property
    def of_one_day(self) -> bool:
        """Whether all times are of one day."""
        first, last = self._days
        return first.date() == last.date()

    @property
    def _days(self) -> tuple[datetime, datetime]:
        return self.times[0], self.times[-1] - timedelta(minutes=1)

    @property
    def _length(self) -> str:
        whole = self.minutes % _HOUR == 0
        return f"{self.minutes // _HOUR} hours" if whole else f"{self.minutes} minutes"

    def shown(self, step: int) -> str:
        """Return a step as a table shows it."""
        return f"{self.times[step - 1]:%Y-%m-%d %H:%M}" if self.times else str(step)

    def name(self, step: int) -> str:
        """Return a step as a sentence names it."""
        return f"{self.noun} {step}" + (f" ({self.shown(step)})" if self.times else "")

    def during(self, steps: Iterable[int]) -> str:
        """Return when the steps are, as a sentence says it."""
        numbers = list(steps)
        if self.times:
            return f"at {', '.join(self._span(run[0], run[-1]) for run in runs(numbers))}"
        return f"in {self.noun}{'s' * (len(numbers) != 1)} {ranges(numbers)}"

    def _span(self, first: int, last: int) -> str:
        form = "%H:%M" if self.of_one_day else "%m-%d %H:%M"
        return f"{self.times[first - 1]:{form}}–{self.times[last]:{form}}"


def step_names(result: Result) -> StepNames:
    """Return what the steps of a result are called."""
    minutes, said = (result.manifest.get(name) for name in ("step_minutes", "start"))
    if said is None:
        return StepNames(minutes or _HOUR)
    times = times_of(start_of(said), int(result.manifest["steps"]), int(minutes or _HOUR))
    return StepNames(int(minutes or _HOUR), times)
