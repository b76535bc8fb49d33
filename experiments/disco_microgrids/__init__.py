"""Paper E: a distribution company that buys wholesale and prices its exchange with microgrids."""

from equigrid.experiments.disco_microgrids.schema import DiscoMicrogridsSpec
from equigrid.experiments.systems import SystemKind, later

KIND = SystemKind(
    schema=DiscoMicrogridsSpec,
    parties=later(f"{__name__}.system", "parties"),
    study_tables=later(f"{__name__}.tables", "study_tables"),
    report=later(f"{__name__}.report", "report_kind"),
    replay=later(f"{__name__}.replay", "replay_kind"),
    doubts=later(f"{__name__}.plausibility", "doubts"),
    compared=later(f"{__name__}.kpis", "add_profit_forgone"),
)
