"""The command line: list, run, validate, replay, deliveries, new, reconfigure."""

import math
import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from equigrid.errors import EquigridError, NoAnswer, SystemFailed, UnusablePlace, UnusableResult
from equigrid.experiments.progress_line import ProgressLine
from equigrid.experiments.study_name import StudyName

# Exit codes: 0 done and certified, 1 anything else, 2 unusable input, 3 not certified or no answer.
FAILED, UNUSABLE, UNCERTIFIED = 1, 2, 3
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
    _guarded(lambda: _run(study, out, asked, force=force))


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
    _guarded(lambda: _validate(file, parties=parties))


@main.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
def replay(directory: Path) -> None:
    """Rebuild the bargaining in DIR from its messages and compare with its tables."""
    _guarded(lambda: _replay(directory))


@main.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--count", type=click.IntRange(min=1), default=1000, help="Deliveries a case.")
@click.option("--seed", type=_SEED, help="In place of the result's own seed.")
@click.option("--study", type=StudyName(), help="What DIR is a result of, if not a shipped study.")
def deliveries(directory: Path, count: int, seed: int | None, study: str | None) -> None:
    """Deliver at random what the result in DIR has sold, and let AC power flow judge."""
    _guarded(lambda: _deliver(directory, study, count, seed))


@main.command()
@click.argument("study", type=StudyName(), required=False)
@click.option("--out", type=click.Path(path_type=Path), help="File to write; STUDY.yaml here.")
@click.option(
    "--system", metavar="NAME", help="Write a system of your own, NAME.py, and a study of it."
)
def new(study: str | None, out: Path | None, system: str | None) -> None:
    """Copy a shipped STUDY to a file to edit, or begin a system of your own."""
    _guarded(lambda: _new(study, out, system))


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
    _guarded(lambda: _reconfigure(feeder, out, rounds, asked, force=force))


def _run(study: str, out: Path | None, asked: dict[str, Any], *, force: bool) -> int:
    directory = _directory(Path(study).stem, out, force=force)
    from equigrid.experiments.running.run import finished, play
    from equigrid.experiments.telling import result_lines

    asked["settings"] = _settings(asked["settings"])
    asked["cases"] = asked["cases"] or None
    progress, replace = ProgressLine(), force and out is not None
    played = play(study, progress=progress, warn=lambda w: _warn([w]), **asked)
    result, written = finished(played, directory, progress.warn, replace=replace)
    assert written is not None
    progress.done()
    for line in result_lines(result):
        click.echo(line)
    click.echo(f"Written to {_near(written)}; open {_near(written) / 'report.html'}")
    code = 0 if result.certified else UNCERTIFIED
    if played.interrupted:
        _end_at_once(code)
    return code


def _settings(said: Iterable[str]) -> dict[str, Any]:
    """Read what `--set` says; values are written as in a study file."""
    from equigrid.experiments.spec.yaml_reading import parsed_value

    settings = {}
    for text in said:
        path, equals, value = text.partition("=")
        if not equals or not path:
            raise _Refused(f"--set {text!r}: write PATH=VALUE, like network.voltage_min_pu=0.95")
        settings[path.strip()] = parsed_value(value)
    return settings


def _validate(file: str, *, parties: bool) -> int:
    from equigrid.experiments.running.loading import load

    found = load(file)
    for path in found.system.files:
        click.echo(f"imported the code of {_near(path)}", err=True)
    _warn(found.study.warnings)
    asked = "; whether its parties have feasible answers is asked by --parties and by a run"
    if parties:
        from equigrid.experiments.running.played import probe_cases

        probe_cases(found)
        asked = ", whose parties have feasible answers"
    cases = len(found.study.cases)
    click.echo(f"{file}: a valid study with {cases} case{'s' if cases > 1 else ''}{asked}")
    return 0


def _end_at_once(code: int) -> None:
    """End after an interrupted solve: HiGHS aborts while it is torn down."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _warn(warnings: Iterable[object]) -> None:
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)


def _directory(name: str, out: Path | None, *, force: bool) -> Path:
    """Choose where a result goes, and refuse at once what cannot be written later."""
    from equigrid.experiments.writable import free_place, place, require_place

    if out is None:
        return require_place(free_place(Path("results") / name), replace=False)
    if os.path.lexists(place(out)) and not force:
        raise UnusablePlace(
            f"{str(out)!r} exists already; choose another --out, or add --force if equigrid wrote "
            "all that is in it"
        )
    return require_place(out)


def _near(directory: Path) -> Path:
    """Write a path as seen from here, where it is below."""
    here = Path.cwd()
    return directory.relative_to(here) if directory.is_relative_to(here) else directory


def _replay(directory: Path) -> int:
    from equigrid.experiments.replay import not_compared
    from equigrid.experiments.replay import replay as rebuild

    try:
        differences = rebuild(directory)
    except UnusableResult as error:
        raise _Refused(str(error)) from error
    for sentence in [*differences, *not_compared(directory)]:
        click.echo(sentence)
    if not differences:
        click.echo(f"{directory}: the messages say what the tables and the summary say")
    return UNCERTIFIED if differences else 0


def _deliver(directory: Path, study: str | None, count: int, seed: int | None) -> int:
    from equigrid.experiments.deliveries import deliver

    try:
        result = deliver(directory, study, count, seed)
    except UnusableResult as error:
        raise _Refused(str(error)) from error
    for delivered in result:
        click.echo(str(delivered))
    return 0 if all(delivered.kept for delivered in result) else UNCERTIFIED


def _new(study: str | None, out: Path | None, system: str | None) -> int:
    if (study is None) == (system is None):
        raise _Refused("name a shipped study to copy, or --system NAME to begin one of your own")
    return _new_system(str(system), out) if study is None else _new_study(study, out)


def _new_system(name: str, out: Path | None) -> int:
    from equigrid.experiments.own_system import write_own_system

    if out is not None:
        raise _Refused("--system writes two files here; leave out --out")
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,40}", name):
        raise _Refused(f"--system {name!r}: write small letters, digits and -, like ev-street")
    code, study = write_own_system(name, Path())
    click.echo(f"{code} and {study} written; edit them, then: equigrid run {study}")
    return 0


def _new_study(study: str, out: Path | None) -> int:
    from equigrid.experiments.running.loading import list_studies, study_path
    from equigrid.experiments.whole import write_new

    if study not in list_studies():
        raise _Refused(f"'{study}' is no shipped study; there is: {', '.join(list_studies())}")
    target = out or Path(f"{study}.yaml")
    write_new(target, study_path(study).read_text(encoding="utf-8"))
    click.echo(f"{target} written; edit it, then: equigrid run {target}")
    return 0


def _reconfigure(
    feeder: str, out: Path | None, rounds: int, asked: dict[str, Any], *, force: bool
) -> int:
    from equigrid.experiments.reconfigure import reconfigured
    from equigrid.grid.network.feeders import feeder as find_feeder
    from equigrid.grid.switching.search_effort import OperatingLimits, SearchEffort

    network = find_feeder(feeder)
    _warn(f"{feeder}: {note}" for note in network.notes)
    directory = _directory(f"reconfigure-{Path(feeder).stem}", out, force=force)
    progress = ProgressLine()
    result = reconfigured(
        network,
        objective=asked["objective"],
        switchable=asked["switchable"] or None,
        limits=OperatingLimits(asked["voltage_min"], asked["voltage_max"]),
        effort=SearchEffort(bound_rounds=rounds),
        progress=progress,
    )
    progress.done()
    for line in result.lines():
        click.echo(line)
    result.write(directory, replace=force and out is not None)
    click.echo(f"Written to {_near(directory)}; open {_near(directory) / 'switching.svg'}")
    return 0 if result.best.proved else UNCERTIFIED


class _Refused(Exception):
    """What the command line itself refuses, as a sentence."""


def _guarded(action: Callable[[], int]) -> None:
    """Run a command; every failure that a user can mend becomes a sentence and an exit code."""
    try:
        code = action()
    except KeyboardInterrupt:
        click.echo("interrupted; nothing was written", err=True)
        _end_at_once(FAILED)
    except _Refused as error:
        click.echo(str(error), err=True)
        code = UNUSABLE
    except Exception as error:  # sorted into exit codes; nothing is hidden
        code = _told(error)
    sys.exit(code)


def _told(error: Exception) -> int:
    """Tell an error in words and return its exit code."""
    click.echo(str(error) or type(error).__name__, err=True)
    if isinstance(error, NoAnswer):
        return UNCERTIFIED
    if isinstance(error, SystemFailed):
        return FAILED
    return UNUSABLE if isinstance(error, EquigridError) else FAILED
