"""Linear models of a radial network, column by column.

``lindistflow`` is LinDistFlow expanded at an exact operating point (paper E), ``sensitivities`` are
paper A's, ``tangents`` fits either to AC power flow in rounds; ``radial`` has the matrices,
``affine`` the result, ``redundant_limits`` leaves out limits that others imply; ``bus_loads`` puts
powers of resources at their buses.
"""
