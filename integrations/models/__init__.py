"""What the engine keeps."""

from integrations.models.api_access import ApiAccess
from integrations.models.command import Attempt, Command, Exchange
from integrations.models.connection import Connection, Credential, RateBudget
from integrations.models.flow import Cursor, Flow, Procedure, ProcedureRun, ProcedureStep, Stream
from integrations.models.hold import Hold
from integrations.models.inbox import InboundEvent
from integrations.models.link import Link
from integrations.models.mail import AlertSetting, Mail
from integrations.models.problem import DeskRule, Problem, Release, Replay
from integrations.models.retention import Retention
from integrations.models.run import HistoryPlace, RunLogLine, RunOutcome, SyncRun
from integrations.models.source_count import SourceCount
from integrations.models.value_mapping import ValueMapping

__all__ = [
    "AlertSetting",
    "ApiAccess",
    "Attempt",
    "Command",
    "Connection",
    "Credential",
    "Cursor",
    "DeskRule",
    "Exchange",
    "Flow",
    "HistoryPlace",
    "Hold",
    "InboundEvent",
    "Link",
    "Mail",
    "Problem",
    "Procedure",
    "ProcedureRun",
    "ProcedureStep",
    "RateBudget",
    "Release",
    "Replay",
    "Retention",
    "RunLogLine",
    "RunOutcome",
    "SourceCount",
    "Stream",
    "SyncRun",
    "ValueMapping",
]
