"""The best switching of the shipped feeders, proved: ``python benchmarks/reconfiguration.py``.

Up to two million radial configurations are all evaluated; beyond, branch exchange finds one, and a
mixed-integer relaxation bounds all others. The 118 buses take some minutes.
"""

import argparse
import time

import equigrid as eg

# Losses that papers report for their best switching, kW; those of das-70 depend on the loads taken.
PUBLISHED_KW = {"baran-wu-33": "139.55", "baran-wu-69": "98.60", "zhang-118": "869.73"}


def row(name: str, rounds: int) -> str:
    """Return the row of a feeder."""
    network = eg.feeder(name)
    begin = time.perf_counter()
    best = eg.best_configuration(network, effort=eg.SearchEffort(bound_rounds=rounds))
    seconds = time.perf_counter() - begin
    opened = ", ".join(branch.split()[1] for branch in best.open_branches)
    proof = "proved" if best.proved else "not proved"
    return (
        f"| {name} | {best.configurations:,} | {best.method} | {best.power_flows:,} "
        f"| {1e3 * best.loss_mw:.3f} | {1e3 * best.loss_ac_mw:.3f} "
        f"| {PUBLISHED_KW.get(name, '')} | {1e3 * best.bound:.3f} | {best.gap:.0e} | {proof} "
        f"| {seconds:.1f} | {opened} |"
    )


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeders", default=",".join(eg.list_feeders()))
    parser.add_argument("--rounds", type=int, default=10, help="programs for the bound, at most")
    given = parser.parse_args()
    eg.best_configuration(eg.feeder("baran-wu-33"))  # kernels are compiled once and kept on disk
    print(
        "| feeder | radial configurations | method | power flows | losses, kW | by pandapower "
        "| published | bound, kW | gap | | seconds | open |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for name in given.feeders.split(","):
        print(row(name, given.rounds), flush=True)


if __name__ == "__main__":
    main()
