from . import testing as testing
from .errors import EquigridError as EquigridError
from .errors import Interrupted as Interrupted
from .errors import NetworkError as NetworkError
from .errors import NoAnswer as NoAnswer
from .errors import SolverFailed as SolverFailed
from .errors import SystemFailed as SystemFailed
from .errors import UnusableGame as UnusableGame
from .errors import UnusablePlace as UnusablePlace
from .errors import UnusableResult as UnusableResult
from .errors import WrongMethod as WrongMethod
from .experiments.result import Result as Result
from .experiments.running.loading import list_studies as list_studies
from .experiments.running.loading import load_study as load_study
from .experiments.running.run import RunInterrupted as RunInterrupted
from .experiments.running.run import run as run
from .experiments.spec.fields import Bus as Bus
from .experiments.spec.fields import Fraction as Fraction
from .experiments.spec.fields import Name as Name
from .experiments.spec.fields import Path as Path
from .experiments.spec.fields import Positive as Positive
from .experiments.spec.findings import UnusableInput as UnusableInput
from .experiments.spec.part import Part as Part
from .experiments.spec.series import BusSeries as BusSeries
from .experiments.spec.series import Series as Series
from .experiments.spec.study import Study as Study
from .experiments.spec.study_spec import StudySpec as StudySpec
from .experiments.system import System as System
from .experiments.world.case_run import CaseRun as CaseRun
from .experiments.world.kpi import Kpi as Kpi
from .experiments.world.operation import Operation as Operation
from .experiments.world.stage import Stage as Stage
from .experiments.world.world import World as World
from .grid.batch.flow import power_flow_batch as power_flow_batch
from .grid.batch.flow import power_flow_chunks as power_flow_chunks
from .grid.batch.result import BatchFlow as BatchFlow
from .grid.batch.result import FlowStatus as FlowStatus
from .grid.network.feeders import feeder as feeder
from .grid.network.feeders import list_feeders as list_feeders
from .grid.network.network import Network as Network
from .grid.switching.best_configuration import BestConfiguration as BestConfiguration
from .grid.switching.best_configuration import best_configuration as best_configuration
from .grid.switching.configurations import RadialConfigurations as RadialConfigurations
from .grid.switching.configurations import radial_configurations as radial_configurations
from .grid.switching.search_effort import OperatingLimits as OperatingLimits
from .grid.switching.search_effort import SearchEffort as SearchEffort
from .markets.certification.certificate import Certificate as Certificate
from .markets.certification.certify import certify as certify
from .markets.certification.check import Check as Check
from .markets.certification.worst_tie import worst_tie as worst_tie
from .markets.decision import Decision as Decision
from .markets.equilibrium import Equilibrium as Equilibrium
from .markets.forms.agent_solver import AgentSolver as AgentSolver
from .markets.forms.points import Point as Point
from .markets.games.agent_checks import check_agent as check_agent
from .markets.games.fleet import Fleet as Fleet
from .markets.games.game import Game as Game
from .markets.messaging.faults import Faults as Faults
from .markets.messaging.messages import Announcement as Announcement
from .markets.messaging.messages import FinalSignal as FinalSignal
from .markets.messaging.messages import FlexOffer as FlexOffer
from .markets.messaging.messages import FlexOfferResponse as FlexOfferResponse
from .markets.messaging.messages import FlexOrder as FlexOrder
from .markets.messaging.messages import FlexRequest as FlexRequest
from .markets.messaging.messages import FlexSettlement as FlexSettlement
from .markets.messaging.messages import Response as Response
from .markets.messaging.messages import Schedule as Schedule
from .markets.messaging.messages import Settlement as Settlement
from .markets.messaging.messages import Signal as Signal
from .markets.messaging.rejection_reasons import RejectionReason as RejectionReason
from .markets.methods.admm import Admm as Admm
from .markets.methods.best_response import BestResponse as BestResponse
from .markets.methods.exact import Exact as Exact
from .markets.model.agent import Agent as Agent
from .markets.model.balance import Balance as Balance
from .markets.model.link import Link as Link
from .markets.model.payment import Payment as Payment
from .markets.model.sources import Dual as Dual
from .scenarios.ambiguity.ambiguity_set import AmbiguitySet as AmbiguitySet
from .scenarios.days.measured_days import read_daily_profiles as read_daily_profiles
from .scenarios.days.photovoltaic_days import PhotovoltaicDays as PhotovoltaicDays
from .scenarios.reduction import cluster_days as cluster_days
from .scenarios.scenario_set import ScenarioSet as ScenarioSet

__all__ = [
    "Admm",
    "Agent",
    "AgentSolver",
    "AmbiguitySet",
    "Announcement",
    "Balance",
    "BatchFlow",
    "BestConfiguration",
    "BestResponse",
    "Bus",
    "BusSeries",
    "CaseRun",
    "Certificate",
    "Check",
    "Decision",
    "Dual",
    "EquigridError",
    "Equilibrium",
    "Exact",
    "Faults",
    "FinalSignal",
    "Fleet",
    "FlexOffer",
    "FlexOfferResponse",
    "FlexOrder",
    "FlexRequest",
    "FlexSettlement",
    "FlowStatus",
    "Fraction",
    "Game",
    "Interrupted",
    "Kpi",
    "Link",
    "Name",
    "Network",
    "NetworkError",
    "NoAnswer",
    "OperatingLimits",
    "Operation",
    "Part",
    "Path",
    "Payment",
    "PhotovoltaicDays",
    "Point",
    "Positive",
    "RadialConfigurations",
    "RejectionReason",
    "Response",
    "Result",
    "RunInterrupted",
    "ScenarioSet",
    "Schedule",
    "SearchEffort",
    "Series",
    "Settlement",
    "Signal",
    "SolverFailed",
    "Stage",
    "Study",
    "StudySpec",
    "System",
    "SystemFailed",
    "UnusableGame",
    "UnusableInput",
    "UnusablePlace",
    "UnusableResult",
    "World",
    "WrongMethod",
    "best_configuration",
    "certify",
    "check_agent",
    "cluster_days",
    "feeder",
    "list_feeders",
    "list_studies",
    "load_study",
    "power_flow_batch",
    "power_flow_chunks",
    "radial_configurations",
    "read_daily_profiles",
    "run",
    "testing",
    "worst_tie",
]
