"""Running a command: what a user can mend becomes a sentence and an exit code."""

import os
import sys
from collections.abc import Callable

import click

from equigrid.errors import EquigridError, NoAnswer, SystemFailed

# Exit codes: 0 done and certified, 1 anything else, 2 unusable input, 3 not certified or no answer.
FAILED, UNUSABLE, UNCERTIFIED = 1, 2, 3


class Refused(Exception):
    """What the command line itself refuses, as a sentence."""


def guarded(action: Callable[[], int]) -> None:
    """Run a command; every failure that a user can mend becomes a sentence and an exit code."""
    try:
        code = action()
    except KeyboardInterrupt:
        click.echo("interrupted; nothing was written", err=True)
        end_at_once(FAILED)
    except Refused as error:
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


def end_at_once(code: int) -> None:
    """End after an interrupted solve: HiGHS aborts while it is torn down."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
