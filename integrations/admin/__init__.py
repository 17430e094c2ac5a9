"""Connections and what goes through them."""

from integrations.admin.connection import ConnectionAdmin
from integrations.admin.desk import CommandAdmin, HoldAdmin
from integrations.admin.mail import MailAdmin
from integrations.admin.problems import ProblemAdmin
from integrations.admin.procedures import ProcedureAdmin, ProcedureRunAdmin
from integrations.admin.runs import SyncRunAdmin
from integrations.admin.traffic import ExchangeAdmin, InboundEventAdmin
from integrations.admin.work import FlowAdmin, ValueMappingAdmin

__all__ = [
    "CommandAdmin",
    "ConnectionAdmin",
    "ExchangeAdmin",
    "FlowAdmin",
    "HoldAdmin",
    "InboundEventAdmin",
    "MailAdmin",
    "ProblemAdmin",
    "ProcedureAdmin",
    "ProcedureRunAdmin",
    "SyncRunAdmin",
    "ValueMappingAdmin",
]
