"""Hours of rows: which hour an entry of a constraint stands for."""


def hour_of(at: int, size: int, hours: int) -> int:
    """Return the hour, from 1, of an entry of a constraint.

    Constraints have an entry an hour, or a scenario and hour, hours last; ramps have one fewer an
    hour and begin with the second.

    Parameters
    ----------
    at : int
        Position of the entry among all of the constraint.
    size : int
        Number of them.
    hours : int
        Length T of the series.

    Examples
    --------
    >>> hour_of(2, 24, 24), hour_of(2, 23, 24), hour_of(26, 48, 24), hour_of(0, 1, 24)
    (3, 4, 3, 1)
    """
    if size == 1 or hours < 2:
        return at + 1
    if size % (hours - 1) == 0 and size % hours:
        return at % (hours - 1) + 2
    return at % hours + 1
