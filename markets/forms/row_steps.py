"""Steps of rows: which step of time an entry of a constraint stands for."""


def step_of(at: int, size: int, steps: int) -> int:
    """Return the step, from 1, of an entry of a constraint.

    Constraints have an entry a step, or a scenario and step, steps last; ramps have one fewer a
    scenario and begin with the second.

    Parameters
    ----------
    at : int
        Position of the entry among all of the constraint.
    size : int
        Number of them.
    steps : int
        Length T of the series.

    Examples
    --------
    >>> step_of(2, 24, 24), step_of(2, 23, 24), step_of(26, 48, 24), step_of(0, 1, 24)
    (3, 4, 3, 1)
    """
    if size == 1 or steps < 2:
        return at + 1
    if size % (steps - 1) == 0 and size % steps:
        return at % (steps - 1) + 2
    return at % steps + 1
