"""Names of studies on the command line, and their completion."""

import click
from click.shell_completion import CompletionItem


class StudyName(click.ParamType[str]):
    """A shipped study or a file, with completion of both."""

    name = "study"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Complete names of shipped studies, then files."""
        from equigrid.experiments.running.loading import list_studies

        names = [n for n in list_studies() if n.startswith(incomplete)]
        return [*map(CompletionItem, names), CompletionItem(incomplete, type="file")]
