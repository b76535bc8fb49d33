"""Paper A: an aggregator that sells ramping products which the feeder has to be able to deliver."""

from equigrid.experiments.frp_aggregator.schema import FrpAggregatorSpec
from equigrid.experiments.systems import SystemKind, later

KIND = SystemKind(
    schema=FrpAggregatorSpec,
    parties=later(f"{__name__}.system", "parties"),
    study_tables=later(f"{__name__}.tables", "study_tables"),
    report=later(f"{__name__}.report", "report_kind"),
    replay=later(f"{__name__}.replay", "replay_kind"),
    refuse=later(f"{__name__}.bare_feeder", "refuse_violated_feeder"),
    doubts=later(f"{__name__}.plausibility", "doubts"),
    deliveries=later(f"{__name__}.deliveries", "deliveries"),
)
