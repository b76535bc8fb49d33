"""Series at buses as one table of all buses."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from equigrid.arrays import FloatArray
from equigrid.errors import did_you_mean
from equigrid.grid.network.network import Network


def at_buses(network: Network, steps: int, series: Mapping[int | str, ArrayLike]) -> FloatArray:
    """Return series by bus as a table (N, T); buses that are not named have 0.

    Parameters
    ----------
    network : Network
    steps : int
        T.
    series : Mapping of bus to array (T,) or float
        By number or name of the bus.

    Raises
    ------
    ValueError
        Naming a bus that the network does not have, or whose series is of another length.

    Examples
    --------
    >>> import equigrid as eg
    >>> at_buses(eg.feeder("baran-wu-33"), 2, {10: [0.1, 0.2], 11: 0.5})[9:12].tolist()
    [[0.1, 0.2], [0.5, 0.5], [0.0, 0.0]]
    """
    table = np.zeros((len(network.buses), steps))
    rows = _rows(network)
    for bus, values in series.items():
        row = rows.get(bus)
        if row is None:
            known = [str(name) for name in rows]
            raise ValueError(f"the feeder has no bus {bus!r}{did_you_mean(str(bus), known)}")
        given = np.asarray(values, float)
        if given.shape not in ((), (steps,)):
            raise ValueError(
                f"the series of bus {bus!r} has shape {given.shape}; give {steps} values or one"
            )
        table[row] += given
    return table


def _rows(network: Network) -> dict[int | str, int]:
    names = [str(name) for name in network.buses["name"]]
    rows: dict[int | str, int] = {name: row for row, name in enumerate(names) if name}
    return rows | {int(bus): row for row, bus in enumerate(network.buses.index)}
