"""The command line: list, run, validate, replay, deliveries, new, reconfigure."""

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

# Exit codes: 0 done and certified, 1 anything else, 2 unusable input, 3 not certified or no answer.
FAILED, UNUSABLE, UNCERTIFIED = 1, 2, 3


class StudyName(click.ParamType[str]):
    """A shipped study or a file, with completion of both."""

    name = "study"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Complete names of shipped studies, then files."""
        from equigrid.experiments.study import list_studies

        names = [n for n in list_studies() if n.startswith(incomplete)]
        return [*map(CompletionItem, names), CompletionItem(incomplete, type="file")]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="equigrid")
def main() -> None:
    """Let the parties of a distribution grid bargain, and let AC power flow judge the outcome."""


@main.command("list")
def list_command() -> None:
    """List the shipped studies."""
    from equigrid.experiments.study import list_studies, load_study

    for name in list_studies():
        click.echo(f"{name}  {load_study(name).spec.title}")


@main.command()
@click.argument("study", type=StudyName())
@click.option("--out", type=click.Path(path_type=Path), help="Directory of the result.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    help="In place of the study's own; random draws follow it.",
)
@click.option(
    "--method", type=click.Choice(["exact", "best-response"]), help="Play only these stages."
)
@click.option("--force", is_flag=True, help="Overwrite the directory named by --out.")
def run(study: str, out: Path | None, seed: int | None, method: str | None, force: bool) -> None:
    """Run STUDY, a shipped name or a FILE.yaml, and write its result."""
    _guarded(lambda: _run(study, out, seed, method, force=force))


@main.command()
@click.argument("file", type=StudyName())
def validate(file: str) -> None:
    """Check FILE.yaml and tell everything that is wrong with it."""

    def check() -> int:
        from equigrid.experiments.refusals import refuse_unusable
        from equigrid.experiments.study import load_study

        study = load_study(file)
        _warn(study.warnings)
        refuse_unusable(study)
        click.echo(f"{file}: a valid study with {len(study.spec.cases)} cases")
        return 0

    _guarded(check)


@main.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
def replay(directory: Path) -> None:
    """Rebuild the bargaining in DIR from its messages and compare with its tables."""
    _guarded(lambda: _replay(directory))


@main.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--count", type=click.IntRange(min=1), default=1000, help="Deliveries a case.")
@click.option("--seed", type=click.IntRange(min=0), help="In place of the result's own seed.")
@click.option("--study", type=StudyName(), help="What DIR is a result of, if not a shipped study.")
def deliveries(directory: Path, count: int, seed: int | None, study: str | None) -> None:
    """Deliver at random what the result in DIR has sold, and let AC power flow judge."""
    _guarded(lambda: _deliver(directory, study, count, seed))


@main.command()
@click.argument("study", type=StudyName())
@click.option("--out", type=click.Path(path_type=Path), help="File to write; STUDY.yaml here.")
def new(study: str, out: Path | None) -> None:
    """Copy a shipped STUDY to a file to edit."""
    _guarded(lambda: _new(study, out))


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
@click.option("--force", is_flag=True, help="Overwrite the directory named by --out.")
def reconfigure(feeder: str, out: Path | None, force: bool, rounds: int, **asked: Any) -> None:
    """Find the best switching of FEEDER, a shipped name or a FILE.json."""
    _guarded(lambda: _reconfigure(feeder, out, rounds, asked, force=force))


def _run(study: str, out: Path | None, seed: int | None, method: str | None, *, force: bool) -> int:
    directory = _directory(study, out, force=force)
    from equigrid.experiments.run import run as run_study
    from equigrid.experiments.study import load_study
    from equigrid.experiments.telling import result_lines

    loaded = load_study(study)
    _warn(loaded.warnings)
    progress = _Progress()
    result = run_study(loaded, directory, seed=seed, method=method, progress=progress)
    progress.done()
    for line in result_lines(result):
        click.echo(line)
    click.echo(f"Written to {directory}; open {directory / 'report.html'}")
    return 0 if result.certified else UNCERTIFIED


def _warn(warnings: Iterable[object]) -> None:
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)


def _directory(study: str, out: Path | None, *, force: bool) -> Path:
    """Choose where the result goes, and refuse at once what cannot be written later."""
    if out is None:
        out, number = Path("results") / Path(study).stem, 2
        while out.exists():
            out, number = out.with_name(f"{Path(study).stem}-{number}"), number + 1
    elif out.exists() and not force:
        raise _Refused(f"{out} exists already; choose another --out or add --force")
    elif out.exists() and not out.is_dir():
        raise _Refused(f"{out} is a file; choose a directory with --out")
    _require_writable(out)
    return out


def _require_writable(out: Path) -> None:
    nearest = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    probe = nearest / f".equigrid-{os.getpid()}"
    try:
        if not nearest.is_dir():
            raise NotADirectoryError(f"{nearest} is a file")
        probe.touch()
        probe.unlink()
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _Refused(f"{out} cannot be written ({error}); choose another --out") from error


def _replay(directory: Path) -> int:
    from equigrid.experiments.replay import UnusableResult
    from equigrid.experiments.replay import replay as rebuild

    try:
        differences = rebuild(directory)
    except UnusableResult as error:
        raise _Refused(str(error)) from error
    for difference in differences:
        click.echo(difference)
    if not differences:
        click.echo(f"{directory}: the messages say what the tables and the summary say")
    return UNCERTIFIED if differences else 0


def _deliver(directory: Path, study: str | None, count: int, seed: int | None) -> int:
    from equigrid.experiments.deliveries import deliver
    from equigrid.experiments.replay import UnusableResult

    try:
        found = deliver(directory, study, count, seed)
    except UnusableResult as error:
        raise _Refused(str(error)) from error
    for delivered in found:
        click.echo(str(delivered))
    return 0 if all(delivered.kept for delivered in found) else UNCERTIFIED


def _new(study: str, out: Path | None) -> int:
    from equigrid.experiments.study import list_studies, study_path

    if study not in list_studies():
        raise _Refused(f"'{study}' is no shipped study; there is: {', '.join(list_studies())}")
    target = out or Path(f"{study}.yaml")
    if target.exists():
        raise _Refused(f"{target} exists already; choose another --out")
    try:
        target.write_text(study_path(study).read_text(encoding="utf-8"), encoding="utf-8")
    except OSError as error:
        raise _Refused(f"{target} cannot be written ({error}); choose another --out") from error
    click.echo(f"{target} written; edit it, then: equigrid run {target}")
    return 0


def _reconfigure(
    feeder: str, out: Path | None, rounds: int, asked: dict[str, Any], *, force: bool
) -> int:
    from equigrid.experiments.reconfigure import reconfigured
    from equigrid.grid.cases import feeder as find_feeder

    network = find_feeder(feeder)
    _warn(f"{feeder}: {note}" for note in network.notes)
    directory = _directory(f"reconfigure-{Path(feeder).name}", out, force=force)
    progress = _Progress()
    result = reconfigured(
        network,
        objective=asked["objective"],
        switchable=asked["switchable"] or None,
        voltage_min_pu=asked["voltage_min"],
        voltage_max_pu=asked["voltage_max"],
        bound_rounds=rounds,
        progress=progress,
    )
    progress.done()
    for line in result.lines():
        click.echo(line)
    result.write(directory)
    click.echo(f"Written to {directory}; open {directory / 'switching.svg'}")
    return 0 if result.best.proved else UNCERTIFIED


class _Refused(Exception):
    """What the command line itself refuses, as a sentence."""


class _Progress:
    """One line that changes on a terminal, plain lines when piped."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()

    def __call__(self, text: str) -> None:
        if self._live:
            click.echo(f"\r\x1b[2K{text} …", nl=False, err=True)
        else:
            click.echo(f"{text} …", err=True)

    def done(self) -> None:
        """Clear the line that changes."""
        if self._live:
            click.echo("\r\x1b[2K", nl=False, err=True)


def _guarded(action: Callable[[], int]) -> None:
    """Run a command; every failure that a user can mend becomes a sentence and an exit code."""
    try:
        code = action()
    except KeyboardInterrupt:
        click.echo("interrupted; nothing was written", err=True)
        # HiGHS aborts while it is torn down after an interrupted solve; there is nothing to save.
        sys.stdout.flush()
        os._exit(FAILED)
    except _Refused as error:
        click.echo(str(error), err=True)
        code = UNUSABLE
    except Exception as error:  # sorted into exit codes; nothing is hidden
        code = _told(error)
    sys.exit(code)


def _told(error: Exception) -> int:
    """Tell an error in words and return its exit code."""
    from equigrid.experiments.findings import UnusableInput
    from equigrid.grid.tables import NetworkError
    from equigrid.markets.findings import NoAnswer, UnusableGame, WrongMethod

    codes: tuple[tuple[Any, int], ...] = (
        (UnusableInput, UNUSABLE),
        (NetworkError, UNUSABLE),
        (UnusableGame, UNUSABLE),
        (WrongMethod, UNUSABLE),
        (NoAnswer, UNCERTIFIED),
    )
    click.echo(str(error) or type(error).__name__, err=True)
    return next((code for kind, code in codes if isinstance(error, kind)), FAILED)
