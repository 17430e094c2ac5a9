"""Starting a procedure, and asking how it went: an old ERP calls this with curl."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.models import Procedure, ProcedureRun, SyncRun
from integrations.sync.schedule import start_procedure
from portal.base.api import MerchantView
from portal.base.idempotency import PARAMETER, idempotent
from portal.base.problems import Problem, ProblemSerializer

COUNTS = ("seen", "created", "updated", "unchanged", "skipped", "failed")
ERRORS = dict.fromkeys((400, 401, 403, 404), ProblemSerializer)


class StepSerializer(serializers.Serializer[Any]):
    """One flow of the run: its state, and counts that add up to what was seen."""

    flow = serializers.CharField()
    state = serializers.ChoiceField(choices=SyncRun.State.choices)
    message = serializers.CharField(allow_blank=True)
    seen = serializers.IntegerField()
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    skipped = serializers.IntegerField()
    failed = serializers.IntegerField()


class RunSerializer(serializers.Serializer[Any]):
    """A run of a procedure."""

    id = serializers.CharField()
    state = serializers.ChoiceField(choices=ProcedureRun.State.choices)
    message = serializers.CharField(allow_blank=True)
    url = serializers.CharField()
    steps = StepSerializer(many=True)


class EmptySerializer(serializers.Serializer[Any]):
    """Nothing, or {}."""


class ProcedureRunsView(MerchantView):
    """Start a procedure."""

    key_scope = "procedures"

    @extend_schema(
        operation_id="start_procedure",
        parameters=[PARAMETER],
        request=EmptySerializer,
        responses={202: RunSerializer, 409: ProblemSerializer, **ERRORS},
    )
    @idempotent
    def post(self, request: Request, public_id: str) -> Response:
        """Answers at once; the run goes on behind it. Nothing but `{}` may be sent."""
        if request.data:
            name = next(iter(request.data)) if isinstance(request.data, dict) else ""
            raise Problem(400, "unknown_field", "Nothing is taken here but an empty object.", field=str(name))
        procedure = find_procedure(public_id)
        if not procedure.enabled:
            raise Problem(409, "procedure_disabled", f"{procedure} is switched off; switch it on under Procedures.")
        run = start_procedure(procedure, trigger="api", at=timezone.now())
        return Response(describe(run), status=202)


class ProcedureRunView(MerchantView):
    """How a run went."""

    key_scope = "procedures"

    @extend_schema(operation_id="get_procedure_run", responses={200: RunSerializer, **ERRORS})
    def get(self, request: Request, public_id: str, run_id: str) -> Response:
        run = ProcedureRun.objects.filter(procedure=find_procedure(public_id), public_id=run_id).first()
        if run is None:
            raise Http404
        return Response(describe(run))


class RunView(MerchantView):
    """How any run went: of a procedure, or of one flow, a file that was sent among them."""

    key_scope = "procedures"

    @extend_schema(operation_id="get_run", responses={200: RunSerializer, **ERRORS})
    def get(self, request: Request, public_id: str) -> Response:
        """The address a 202 gives is the same by another name."""
        whole = ProcedureRun.objects.filter(public_id=public_id).select_related("procedure").first()
        if whole is not None:
            return Response(describe(whole))
        step = SyncRun.objects.filter(public_id=public_id).select_related("flow__connection").first()
        if step is None:
            raise Http404
        own = {"id": step.public_id, "state": step.state, "message": step.message}
        return Response({**own, "url": reverse("run", args=(step.public_id,)), "steps": [describe_step(step)]})


def find_procedure(public_id: str) -> Procedure:
    """Another merchant's is not there."""
    found: Procedure | None = Procedure.objects.filter(public_id=public_id).first()
    if found is None:
        raise Http404
    return found


def describe(run: ProcedureRun) -> dict[str, Any]:
    steps = SyncRun.objects.filter(procedure_run=run).select_related("flow__connection").order_by("pk")
    return {
        "id": run.public_id,
        "state": run.state,
        "message": run.message,
        "url": reverse("procedure-run", args=(run.procedure.public_id, run.public_id)),
        "steps": [describe_step(step) for step in steps],
    }


def describe_step(step: SyncRun) -> dict[str, Any]:
    return {
        "flow": f"{step.flow.connection}: {step.flow}",
        "state": step.state,
        "message": step.message,
        **{name: getattr(step, name) for name in COUNTS},
    }
