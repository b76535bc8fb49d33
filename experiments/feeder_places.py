"""Who sits where on a feeder before a study places its parties: sources and generators."""

from collections.abc import Iterator

from equigrid.grid.network.network import Network

Place = tuple[str, str, int, float]  # name, kind, bus, most power (MW)


def feeder_places(network: Network, supplier: str, most_mw: float) -> Iterator[Place]:
    """Yield every source in service as the supplier's, and every generator of the feeder.

    Parameters
    ----------
    network : Network
    supplier : str
        Party from whom energy is bought at the sources.
    most_mw : float
        What may be bought.
    """
    sources, generators = network.sources, network.tables["generators"]
    for source in sources[sources["in_service"]].itertuples():
        yield supplier, "source", int(source.bus), most_mw
    for unit in generators[generators["in_service"]].itertuples():
        yield unit.name or f"sgen {unit.Index}", "feeder-generation", int(unit.bus), unit.p_mw
