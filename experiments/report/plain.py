"""What the report of a system shows that says nothing of its own."""

from equigrid.experiments.report import pictures, tables
from equigrid.experiments.report_content import ReportContent


def plain_content() -> ReportContent:
    """Return the content of any result: who pays whom, where anybody does."""
    return ReportContent(pictures=(pictures.PAYMENTS,), tables=(tables.PAYMENTS,))
