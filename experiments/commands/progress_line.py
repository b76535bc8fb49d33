"""What the command line tells while something goes on."""

import sys

import click


class ProgressLine:
    """One line that changes on a terminal, plain lines when piped."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()

    def __call__(self, text: str) -> None:
        """Tell what begins."""
        if self._live:
            click.echo(f"\r\x1b[2K{text} …", nl=False, err=True)
        else:
            click.echo(f"{text} …", err=True)

    def warn(self, text: str) -> None:
        """Say something that stays."""
        self.done()
        click.echo(text, err=True)

    def done(self) -> None:
        """Clear the line that changes."""
        if self._live:
            click.echo("\r\x1b[2K", nl=False, err=True)
