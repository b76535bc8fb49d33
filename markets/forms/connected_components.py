"""Connected components of columns and rows: what shares no row can be solved by itself."""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from equigrid.arrays import IntArray


def components_of_pairs(size: int, first: IntArray, second: IntArray) -> IntArray:
    """Return the number of the component of each of some nodes, in the order of their first ones.

    Parameters
    ----------
    size : int
        Number of nodes.
    first, second : array of shape (P,)
        Ends of the pairs that are tied.

    Examples
    --------
    >>> components_of_pairs(4, np.array([0, 3]), np.array([2, 1])).tolist()
    [0, 1, 0, 1]
    """
    graph = sparse.coo_array((np.ones(len(first)), (first, second)), shape=(size, size))
    return np.asarray(connected_components(sparse.csr_array(graph), directed=False)[1], dtype=int)


def components_of_matrix(matrix: sparse.csr_array) -> tuple[IntArray, IntArray]:
    """Return the number of the component of each column and of each row; -1 for an empty row.

    Columns that stand in one row are tied.

    Examples
    --------
    >>> columns, rows = components_of_matrix(sparse.csr_array([[1, 0, 1], [0, 2, 0], [0, 0, 0]]))
    >>> columns.tolist(), rows.tolist()
    ([0, 1, 0], [0, 1, -1])
    """
    entries, (m, n) = sparse.coo_array(matrix), matrix.shape
    columns = components_of_pairs(n + m, entries.col, n + entries.row)[:n]
    rows = np.full(m, -1)
    rows[entries.row] = columns[entries.col]
    return columns, rows
