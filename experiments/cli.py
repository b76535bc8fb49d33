"""The command line: list, run, validate, replay, deliveries, new, reconfigure."""

import math
from pathlib import Path
from typing import Any

import click

from equigrid.experiments.commands import actions
from equigrid.experiments.commands.guarding import guarded
from equigrid.experiments.commands.study_name import StudyName

_SEED = click.IntRange(min=0, max=2**63 - 1)
_FORCE = "Replace the directory named by --out, if equigrid wrote all that is in it."


def _a_number(value: float | None) -> float | None:
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is no length of time.")
    return value


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="equigrid")
def main() -> None:
    """Let the parties of a distribution grid bargain, and let AC power flow judge the outcome."""


@main.command("list")
def list_command() -> None:
    """List the shipped studies."""
    from equigrid.experiments.running.loading import list_studies, load_study

    for name in list_studies():
        click.echo(f"{name}  {load_study(name).spec.title}")


@main.command()
@click.argument("study", type=StudyName())
@click.option("--out", type=click.Path(path_type=Path), help="Directory of the result.")
@click.option("--seed", type=_SEED, help="In place of the study's own; random draws follow it.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="PATH=VALUE",
    help="A field of the study in all cases, like network.voltage_min_pu=0.95; may be repeated.",
)
@click.option(
    "--case", "cases", multiple=True, metavar="NAME", help="Only this one, with what it needs."
)
@click.option(
    "--method", type=click.Choice(["exact", "best-response"]), help="Play only these stages."
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True, max=1e9),
    callback=lambda _context, _option, value: _a_number(value),
    help="End each case's exact stage after so long; its answer then depends on the machine.",
)
@click.option("--force", is_flag=True, help=_FORCE)
def run(study: str, out: Path | None, force: bool, **asked: Any) -> None:
    """Run STUDY, a shipped name or a FILE.yaml, and write its result.

    Ctrl-C ends it with what was found by then; once more, and it ends at once.
    """
    guarded(lambda: actions.run_study(study, out, asked, force=force))


@main.command()
@click.argument("file", type=StudyName())
@click.option(
    "--parties",
    is_flag=True,
    help="Ask as well, as a run does first, whether every party has a feasible answer.",
)
def validate(file: str, parties: bool) -> None:
    """Check FILE.yaml and tell everything that is wrong with it.

    A system that it names as a file or a module is code, and is imported for that.
    """
    guarded(lambda: actions.validate_study(file, parties=parties))


@main.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
def replay(directory: Path) -> None:
    """Rebuild the bargaining in DIR from its messages and compare with its tables."""
    guarded(lambda: actions.replay_result(directory))


@main.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--count", type=click.IntRange(min=1), default=1000, help="Deliveries a case.")
@click.option("--seed", type=_SEED, help="In place of the result's own seed.")
@click.option("--study", type=StudyName(), help="What DIR is a result of, if not a shipped study.")
def deliveries(directory: Path, count: int, seed: int | None, study: str | None) -> None:
    """Deliver at random what the result in DIR has sold, and let AC power flow judge."""
    guarded(lambda: actions.deliver_result(directory, study, count, seed))


@main.command()
@click.argument("study", type=StudyName(), required=False)
@click.option("--out", type=click.Path(path_type=Path), help="File to write; STUDY.yaml here.")
@click.option(
    "--system", metavar="NAME", help="Write a system of your own, NAME.py, and a study of it."
)
def new(study: str | None, out: Path | None, system: str | None) -> None:
    """Copy a shipped STUDY to a file to edit, or begin a system of your own."""
    guarded(lambda: actions.new(study, out, system))


@main.command()
@click.argument("feeder", metavar="FEEDER")
@click.option(
    "--objective",
    type=click.Choice(["loss", "voltage", "balance"]),
    default="loss",
    show_default=True,
    help="Least losses, highest least voltage, or least sum of squared loadings.",
)
@click.option("--switchable", multiple=True, metavar="BRANCH", help="Only these; may be repeated.")
@click.option("--voltage-min", type=float, help="Lower limit, p.u.")
@click.option("--voltage-max", type=float, help="Upper limit, p.u.")
@click.option(
    "--rounds",
    type=click.IntRange(min=0),
    default=10,
    help="Most programs for the bound; 0 for none.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Directory of table and picture.")
@click.option("--force", is_flag=True, help=_FORCE)
def reconfigure(feeder: str, out: Path | None, force: bool, rounds: int, **asked: Any) -> None:
    """Find the best switching of FEEDER, a shipped name or a FILE.json."""
    guarded(lambda: actions.reconfigure_feeder(feeder, out, rounds, asked, force=force))
