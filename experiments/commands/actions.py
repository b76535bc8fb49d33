"""What each command does; it imports what takes long only when it is asked for."""

import keyword
import os
import re
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from equigrid.errors import UnusablePlace, UnusableResult
from equigrid.experiments.commands.guarding import UNCERTIFIED, Refused, end_at_once
from equigrid.experiments.commands.progress_line import ProgressLine


def run_study(study: str, out: Path | None, asked: dict[str, Any], *, force: bool) -> int:
    """Run a study, write its result and say what it came to."""
    directory = _directory(Path(study).stem, out, force=force)
    from equigrid.experiments.commands.telling import result_lines
    from equigrid.experiments.running.run import finished, play

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
        end_at_once(code)
    return code


def _settings(said: Iterable[str]) -> dict[str, Any]:
    """Read what `--set` says; values are written as in a study file."""
    from equigrid.experiments.spec.yaml_reading import parsed_value

    settings = {}
    for text in said:
        path, equals, value = text.partition("=")
        if not equals or not path:
            raise Refused(f"--set {text!r}: write PATH=VALUE, like network.voltage_min_pu=0.95")
        settings[path.strip()] = parsed_value(value)
    return settings


def validate_study(file: str, *, parties: bool) -> int:
    """Say what is wrong with a study file, or that nothing is."""
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


def replay_result(directory: Path) -> int:
    """Rebuild a result from its messages and say what differs."""
    from equigrid.experiments.replay import agreement, not_compared
    from equigrid.experiments.replay import replay as rebuild

    try:
        differences = rebuild(directory)
    except UnusableResult as error:
        raise Refused(str(error)) from error
    for sentence in [*differences, *not_compared(directory)]:
        click.echo(sentence)
    if not differences:
        click.echo(f"{directory}: {agreement(directory)}")
    return UNCERTIFIED if differences else 0


def deliver_result(directory: Path, study: str | None, count: int, seed: int | None) -> int:
    """Deliver at random what a result has sold and say what AC says of it."""
    from equigrid.experiments.deliveries import deliver

    try:
        result = deliver(directory, study, count, seed)
    except UnusableResult as error:
        raise Refused(str(error)) from error
    for delivered in result:
        click.echo(str(delivered))
    return 0 if all(delivered.kept for delivered in result) else UNCERTIFIED


def new(study: str | None, out: Path | None, system: str | None) -> int:
    """Write a study, or a system with its study, to start from."""
    if (study is None) == (system is None):
        raise Refused("name a shipped study to copy, or --system NAME to begin one of your own")
    return _new_system(str(system), out) if study is None else _new_study(study, out)


def _new_system(name: str, out: Path | None) -> int:
    from equigrid.experiments.commands.own_system import write_own_system

    if out is not None:
        raise Refused("--system writes two files here; leave out --out")
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,40}", name):
        raise Refused(f"--system {name!r}: write small letters, digits and -, like ev-street")
    module = name.replace("-", "_")
    if keyword.iskeyword(module) or find_spec(module) is not None:
        raise Refused(f"--system {name!r} is the name of another module; choose another")
    code, study = write_own_system(name, Path())
    click.echo(f"{code} and {study} written; edit them, then: equigrid run {study}")
    return 0


def _new_study(study: str, out: Path | None) -> int:
    from equigrid.experiments.running.loading import list_studies, study_path
    from equigrid.experiments.whole import write_new

    if study not in list_studies():
        raise Refused(f"'{study}' is no shipped study; there is: {', '.join(list_studies())}")
    target = out or Path(f"{study}.yaml")
    write_new(target, study_path(study).read_text(encoding="utf-8"))
    click.echo(f"{target} written; edit it, then: equigrid run {target}")
    return 0


def reconfigure_feeder(
    feeder: str, out: Path | None, rounds: int, asked: dict[str, Any], *, force: bool
) -> int:
    """Find the best switching of a feeder, write it and say what was proved."""
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
