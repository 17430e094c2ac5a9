"""Connections and what goes through them."""

from integrations.admin.connection import ConnectionAdmin
from integrations.admin.desk import CommandAdmin, HoldAdmin, ProblemAdmin
from integrations.admin.traffic import ExchangeAdmin, InboundEventAdmin, SyncRunAdmin
from integrations.admin.work import FlowAdmin, ProcedureAdmin, ProcedureRunAdmin, ValueMappingAdmin

__all__ = [
    "CommandAdmin",
    "ConnectionAdmin",
    "ExchangeAdmin",
    "FlowAdmin",
    "HoldAdmin",
    "InboundEventAdmin",
    "ProblemAdmin",
    "ProcedureAdmin",
    "ProcedureRunAdmin",
    "SyncRunAdmin",
    "ValueMappingAdmin",
]
