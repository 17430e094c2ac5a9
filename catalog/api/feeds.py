"""A back office sends a file: `curl --data-binary @stock.csv -H "Content-Type: text/csv" …/api/v1/feeds/stock`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, Any, TypeVar

from django.http import Http404, QueryDict
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.mapping.feed_rows import OPTION
from catalog.models import Feed, Identify
from catalog.services import feed_files, feeds
from catalog.services.feed_kinds import STREAMS, WORDS, get_kind, obstacle
from integrations.models import Connection, Stream
from portal.base.api import MerchantView
from portal.base.problems import Problem, ProblemSerializer
from portal.base.tables import TableError

Serializer = serializers.Serializer[Any]
Method = TypeVar("Method", bound=Callable[..., Response])
CHUNK = 1 << 20
OPTIONS = ("dry_run", "only_good_rows", "ignore_brake", "decimal_comma")
ERRORS = dict.fromkeys((400, 401, 403, 404, 413), ProblemSerializer)
YES, NO = {"1", "true", "yes"}, {"", "0", "false", "no"}


class FileParser(BaseParser):
    """The body as it comes, unread."""

    media_type = "*/*"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        return stream


class NoteSerializer(serializers.Serializer[Any]):
    """Something about a cell."""

    line = serializers.IntegerField()
    column = serializers.CharField(allow_blank=True)
    code = serializers.CharField()
    message = serializers.CharField()


class FeedSerializer(serializers.Serializer[Any]):
    """A file: what it changes (checked) or has changed (applied). The counts add up to `seen`."""

    id = serializers.CharField()
    state = serializers.ChoiceField(choices=Feed.State.choices)
    message = serializers.CharField(allow_blank=True)
    url = serializers.CharField()
    seen = serializers.IntegerField()
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    skipped = serializers.IntegerField()
    failed = serializers.IntegerField()
    errors = NoteSerializer(many=True)  # type: ignore[assignment]  # the name a reader expects; of no form
    warnings = NoteSerializer(many=True)


def _parameter(name: str, words: str, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name=name, description=words, **more)


def name_fields(stream: str) -> list[str]:
    """The fields of a stream's rows, as parameters."""
    kind = get_kind(stream)
    return [*(one.name for one in kind.fields), *(("option",) if kind.has_options else ())]


def _list_field_parameters() -> list[OpenApiParameter]:
    """Each field once, with the streams that have it."""
    streams: dict[str, list[str]] = {}
    for word, stream in STREAMS.items():
        for name in name_fields(stream):
            streams.setdefault(name, []).append(word)
    return [
        _parameter(
            name,
            f"The header of the column that is the {name.replace('_', ' ')} ({', '.join(words)}).",
            many=name == "option",
        )
        for name, words in streams.items()
    ]


PARAMETERS = [
    _parameter("stream", "What it is about.", location=OpenApiParameter.PATH, enum=list(STREAMS)),
    _parameter("connection", "The back office it is from, by its id; needed where there are several."),
    _parameter("filename", "Ends in .csv or .xlsx."),
    _parameter("mode", "complete: there is none of what the file leaves out.", enum=Feed.Mode.values),
    _parameter("identify", "How it names an article.", enum=Identify.values),
    *(_parameter(name, "", type=OpenApiTypes.BOOL) for name in OPTIONS),
]


class FeedSchema(AutoSchema):
    """With the fields of every stream, which are asked for when the schema is drawn, not when this is imported."""

    def get_override_parameters(self) -> list[OpenApiParameter | Serializer | type[Serializer]]:
        return [*_list_field_parameters()]


def drawn_by(schema: type[AutoSchema]) -> Callable[[Method], Method]:
    """What `extend_schema` above it builds on."""

    def mark(method: Method) -> Method:
        method.schema = schema  # type: ignore[attr-defined]
        return method

    return mark


class FeedsView(MerchantView):
    """Send a file."""

    key_scope = "feeds"
    parser_classes = (FileParser,)  # type: ignore[assignment]  # the file itself, not JSON about it
    query_parameters = frozenset({"connection", "filename", "mode", "identify", *OPTIONS})

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if stream := STREAMS.get(kwargs["stream"]):
            self.query_parameters = self.query_parameters | set(name_fields(stream))
        super().initial(request, *args, **kwargs)

    @extend_schema(
        operation_id="send_feed",
        parameters=PARAMETERS,
        request={"text/csv": OpenApiTypes.BINARY},
        responses={200: FeedSerializer, 202: FeedSerializer, **ERRORS},
    )
    @drawn_by(FeedSchema)
    def post(self, request: Request, stream: str) -> Response:
        """Checks the file as a whole, all or nothing; then a worker takes it over (not with `dry_run`).

        A large file is checked by the worker, too: the answer is 202 and `checking`; its address says how it went.
        """
        kind = require_stream(stream)
        given = request.query_params
        options = {name: _read_option(name, given.get(name, "")) for name in OPTIONS}
        connection = find_sender(given.get("connection", ""))
        try:
            feed = feed_files.receive(
                connection=connection,
                stream=kind,
                filename=given.get("filename", "feed.csv"),
                chunks=_read(request.data),
                at=timezone.now(),
            )
            _set_columns(feed, given, options)
            if feeds.is_large(feed):
                self._check_later(feed, options)
                return Response(describe(feed), status=202)
            feeds.check(feed=feed)
        except TableError as error:
            raise Problem(error.status, error.code, error.message, field=error.column) from error
        if options["dry_run"]:
            return Response(describe(feed), status=200)
        self._queue(feed, options)
        return Response(describe(feed), status=202)

    def _check_later(self, feed: Feed, options: dict[str, bool]) -> None:
        try:
            feeds.check_later(
                feed=feed,
                goes_on=not options["dry_run"],
                only_good_rows=options["only_good_rows"],
                ignore_brake=options["ignore_brake"],
                at=timezone.now(),
            )
        except feeds.NotPossible as error:
            raise Problem(409, "connection_not_reading", str(error)) from error

    def _queue(self, feed: Feed, options: dict[str, bool]) -> None:
        feed.only_good_rows, feed.ignore_brake = options["only_good_rows"], options["ignore_brake"]
        if (found := obstacle(feed)) is not None:
            where = f"Line {found.line}: " if found.line else ""
            raise Problem(400, found.code, f"{where}{found.message}", field=found.column)
        try:
            feeds.queue(
                feed=feed,
                only_good_rows=options["only_good_rows"],
                ignore_brake=options["ignore_brake"],
                at=timezone.now(),
            )
        except feeds.NotPossible as error:
            raise Problem(409, "connection_not_reading", str(error)) from error
        feed.refresh_from_db()


class FeedView(MerchantView):
    """How it went."""

    key_scope = "feeds"

    @extend_schema(operation_id="get_feed", parameters=PARAMETERS[:1], responses={200: FeedSerializer, **ERRORS})
    def get(self, request: Request, stream: str, public_id: str) -> Response:
        rows = Feed.objects.filter(stream=require_stream(stream), public_id=public_id)
        feed = rows.select_related("run").first()
        if feed is None:
            raise Http404
        return Response(describe(feed))


def require_stream(word: str) -> Stream:
    """The stream of the word in the address."""
    if word not in STREAMS:
        raise Http404
    return STREAMS[word]


def find_sender(public_id: str) -> Connection:
    """The back office named, or the only one there is; another merchant's is not there."""
    rows = Connection.objects.filter(role__in=feed_files.SENDERS)
    if public_id:
        rows = rows.filter(public_id=public_id)
    found = list(rows.order_by("pk")[:2])
    if not found and public_id:
        raise Http404
    if len(found) != 1:
        words = "Say which back office it is from: ?connection=…, its id is on its page."
        raise Problem(400, "connection_required", words, field="connection")
    sender: Connection = found[0]
    return sender


def describe(feed: Feed) -> dict[str, Any]:
    report = feed.report
    message = (
        feeds.describe_progress(feed) if feed.state == Feed.State.CHECKING else feed.run.message if feed.run else ""
    )
    counts = {name: report.get(name, 0) for name in ("seen", "created", "updated", "unchanged", "skipped", "failed")}
    return {
        "id": feed.public_id,
        "state": feed.state,
        "message": message or report.get("brake", ""),
        "url": reverse("feed", args=(WORDS[Stream(feed.stream)], feed.public_id)),
        **counts,
        "errors": report.get("errors", []),
        "warnings": report.get("warnings", []),
    }


def _read(body: Any) -> Iterator[bytes]:
    read = getattr(body, "read", None)  # DRF gives an empty dictionary for an empty body
    while read and (chunk := read(CHUNK)):
        yield chunk


def _read_option(name: str, text: str) -> bool:
    if text.lower() not in YES | NO:
        raise Problem(400, "invalid_option", f"{name} is true or false.", field=name)
    return text.lower() in YES


def _set_columns(feed: Feed, given: QueryDict, options: dict[str, bool]) -> None:
    """What was said in the address; else what is remembered of the connection; else the usual names."""
    header, _rows, columns = feeds.read_columns(feed)
    remembered = feeds.find_mapping(feed)
    said = [name for name in name_fields(feed.stream) if name in given and name != "option"]
    named: dict[str, str] = {name: str(given[name]) for name in said}
    named |= {f"{OPTION}{column}": column for column in given.getlist("option") if column}
    missing = sorted({*named.values(), *remembered.columns.values()} - {"", *header})
    if missing and (named or remembered.pk):
        words = f"These columns are not there: {', '.join(missing)}. The file has: {', '.join(header)}."
        raise TableError("header_wrong", words)
    identify, mode = given.get("identify", remembered.identify), given.get("mode", Feed.Mode.PARTIAL)
    for name, value, choices in (("identify", identify, Identify.values), ("mode", mode, Feed.Mode.values)):
        if value not in choices:
            raise Problem(400, "invalid_option", f"{name} is one of: {', '.join(choices)}.", field=name)
    if "option" in given:
        columns = {name: column for name, column in columns.items() if not name.startswith(OPTION)}
    feeds.set_columns(
        feed=feed,
        columns=columns | named,
        identify=identify,
        decimal_comma=options["decimal_comma"] or remembered.decimal_comma,
        mode=mode,
        remember=False,
    )
