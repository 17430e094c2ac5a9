"""Field rules: what they make of an order's document, what holds it, and their versions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from integrations.connectors.odoo import documents as odoo
from integrations.connectors.woocommerce import documents as woocommerce
from integrations.contract import records as r
from integrations.contract.errors import Rejected, Unsupported
from integrations.contract.http import HttpClient
from integrations.models import Command, Connection, Hold
from integrations.registry import get_connector, list_connectors
from integrations.sync import documents, replay
from integrations.sync.handlers import call
from orders.mapping.rules import Rule, Step, check_rule, fill_document, follow
from orders.mapping.targets import TARGETS
from orders.mapping.view import build_view
from orders.models import Customer, FieldRuleVersion, Order, OrderPayload
from orders.services import erasure, field_preview, field_rules
from orders.services.documents import build_header
from portal.tenancy.models import User
from tests.orders.test_intake import MINUTE, create_command, take
from tests.portal.people import make_person
from tests.world import NOON, D, World, make_world, order, stocked

State = FieldRuleVersion.State
PO = Rule(target="purchase_order", source="raw.meta_data[?key=='po'].value | [0]", required=True)
NOTE = Rule(target="note", expression="upper(order['note'])")


def sold(number: str = "1001", *, po: Any = "PO-77", note: str = "ring twice", **more: Any) -> r.OrderRecord:
    raw = {"meta_data": [{"key": "po", "value": po}]} if po is not None else {"meta_data": []}
    return replace(order(number, ("MUG", 2, "4.50"), **more), raw=raw, note=note)


@pytest.fixture
def mapper(world: World) -> User:
    return make_person(world.merchant, "mapper")


def put_in_force(world: World, by: User, *rules: Rule, at: datetime = NOON) -> FieldRuleVersion:
    draft = field_rules.start_draft(connection_id=world.erp.pk, copied_from=None, by=by, at=at)
    field_rules.save_draft(version_id=draft.pk, rules=rules)
    field_rules.publish(version_id=draft.pk, by=by, at=at)
    draft.refresh_from_db()
    return draft


def build(command: Command) -> r.OrderDocument:
    document: r.OrderDocument = call("order", "build", command.merchant_id, command=command, at=NOON)
    return document


def waiting() -> list[tuple[str, str]]:
    return list(Hold.plain.filter(ended_at__isnull=True).values_list("reason", "message"))


# --- one order --------------------------------------------------------------------------------------------------------


def test_a_rule_fills_the_document_and_the_document_names_its_version(world: World, mapper: User) -> None:
    stocked(world, "MUG")
    version = put_in_force(world, mapper, PO, NOTE)
    take(world, sold())
    document = build(create_command())
    assert (document.purchase_order, document.note, document.rules_version) == ("PO-77", "RING TWICE", version.number)
    assert document.reference == "A-1001", "the name our searches go by is nobody's to fill"


def test_without_rules_the_document_is_as_it_was(world: World) -> None:
    stocked(world, "MUG")
    take(world, sold())
    document = build(create_command())
    assert (document.purchase_order, document.note, document.custom) == ("", "ring twice", {})
    assert document.rules_version == 0


@pytest.mark.parametrize(
    "po", [None, "", "   ", [], ["a", "b"], {"a": 1}, "x" * 61, "a\nb", "a\x00b", "x" * 10_000_000]
)
def test_an_order_is_held_where_a_required_rule_gives_nothing_that_can_be_sent(
    world: World, mapper: User, po: Any
) -> None:
    stocked(world, "MUG")
    put_in_force(world, mapper, PO)
    take(world, sold(po=po))
    hold = Hold.plain.get(ended_at__isnull=True)
    assert (hold.reason, hold.key) == ("rule", f"rules:{world.erp.pk}")
    assert hold.message.startswith("A field rule for ERP fails for order #1001. Customer's purchase order number: ")
    assert not Command.plain.filter(kind="create_order").exists()


def test_it_goes_on_when_the_shop_fills_in_what_was_missing(world: World, mapper: User) -> None:
    stocked(world, "MUG")
    put_in_force(world, mapper, PO)
    take(world, sold(po=None))
    assert [reason for reason, _words in waiting()] == ["rule"]
    take(world, sold(po="77", note="changed", updated_at=NOON + MINUTE))
    assert waiting() == []
    assert build(create_command()).purchase_order == "77"


def test_it_goes_on_when_the_rule_is_mended(world: World, mapper: User) -> None:
    stocked(world, "MUG")
    first = put_in_force(world, mapper, PO)
    take(world, sold("1001", po=None))
    take(world, sold("1002", po=None))
    assert len(waiting()) == 2
    draft = field_rules.start_draft(connection_id=world.erp.pk, copied_from=first.pk, by=mapper, at=NOON)
    field_rules.save_draft(version_id=draft.pk, rules=[replace(PO, default="none")])
    assert len(waiting()) == 2, "a draft changes nothing"
    assert field_rules.publish(version_id=draft.pk, by=mapper, at=NOON + MINUTE) == 2
    assert waiting() == []
    assert [build(row).purchase_order for row in Command.plain.filter(kind="create_order")] == ["none", "none"]


def test_a_rule_that_fails_holds_though_it_has_a_default(world: World, mapper: User) -> None:
    stocked(world, "MUG")
    put_in_force(world, mapper, Rule(target="note", source="number", expression="1 / 0", default="x"))
    take(world, sold())
    assert "It divides by 0." in waiting()[0][1]


def test_a_rule_of_one_shop_is_not_for_the_other(world: World, mapper: User) -> None:
    stocked(world, "MUG")
    put_in_force(world, mapper, Rule(target="note", default="from A", shop=world.shop.pk))
    take(world, sold())
    row = Order.plain.get()
    view = field_rules.read_views([row], with_raw=False)[row.pk]
    rules = field_rules.list_rules(field_rules.find_published(world.erp))
    assert [step.value for step in follow(rules, view, shop=world.shop.pk)] == ["from A"]
    assert follow(rules, view, shop=world.other.pk) == []


def test_a_message_that_waits_is_built_under_the_rules_in_force_and_one_sent_is_not_built_again(
    world: World, mapper: User
) -> None:
    """A rebuild uses the published version; what was stored before it was sent stays."""
    stocked(world, "MUG")
    put_in_force(world, mapper, Rule(target="note", default="first"))
    take(world, sold(note=""))
    command = create_command()
    command.payload = documents.encode(build(command))
    command.state = Command.State.NEEDS_FIX
    command.save()
    assert documents.read_rules_version(command) == 1
    put_in_force(world, mapper, Rule(target="note", default="second"))
    command.refresh_from_db()
    assert documents.decode(command.kind, bytes(command.payload or b"")).note == "first"
    replay.rebuild(command=command, by=mapper, at=NOON)
    command.refresh_from_db()
    rebuilt = build(command)
    assert (rebuilt.note, rebuilt.rules_version, command.revision) == ("second", 2, 2)


def test_a_rule_broken_since_refuses_the_message_and_says_why(world: World, mapper: User) -> None:
    stocked(world, "MUG")
    take(world, sold(po=None))
    command = create_command()
    put_in_force(world, mapper, PO)
    with pytest.raises(Rejected, match=r"“Customer's purchase order number” \(version 1\) fails for order #1001"):
        build(command)


def test_old_documents_are_read_as_before(world: World) -> None:
    """Stored before there were rules."""
    stocked(world, "MUG")
    take(world, sold())
    command = create_command()
    stored = documents.encode(build(command)).replace(b'"rules_version":0,', b"").replace(b'"custom":{},', b"")
    assert b"rules_version" not in stored
    assert b'"custom":' not in stored
    command.payload = stored
    assert documents.read_rules_version(command) == 0
    assert documents.decode("create_order", stored).custom == {}


# --- versions ---------------------------------------------------------------------------------------------------------


def list_states(world: World) -> list[tuple[int, str]]:
    return list(FieldRuleVersion.plain.filter(connection=world.erp).order_by("number").values_list("number", "state"))


def test_versions_are_published_retired_and_gone_back_to(world: World, mapper: User) -> None:
    first = put_in_force(world, mapper, Rule(target="note", default="1"))
    second = put_in_force(world, mapper, Rule(target="note", default="2"))
    assert list_states(world) == [(1, "retired"), (2, "published")]
    field_rules.publish(version_id=first.pk, by=mapper, at=NOON + MINUTE)
    assert list_states(world) == [(1, "published"), (2, "retired")]
    assert field_rules.list_rules(field_rules.find_published(world.erp)) == [Rule(target="note", default="1")]
    first.refresh_from_db()
    assert (first.published_at, first.published_by) == (NOON + MINUTE, str(mapper))
    with pytest.raises(field_rules.NotPossible, match="in force already"):
        field_rules.publish(version_id=first.pk, by=mapper, at=NOON)
    for version in (first, second):
        with pytest.raises(field_rules.NotPossible, match="Only a draft"):
            field_rules.save_draft(version_id=version.pk, rules=[])
        with pytest.raises(field_rules.NotPossible, match="is kept"):
            field_rules.discard(version_id=version.pk)


def test_there_is_one_draft_and_it_begins_as_a_copy(world: World, mapper: User) -> None:
    first = put_in_force(world, mapper, PO, NOTE)
    draft = field_rules.start_draft(connection_id=world.erp.pk, copied_from=first.pk, by=mapper, at=NOON)
    assert field_rules.list_rules(draft) == [PO, NOTE]
    assert field_rules.start_draft(connection_id=world.erp.pk, copied_from=None, by=mapper, at=NOON) == draft
    field_rules.discard(version_id=draft.pk)
    assert list_states(world) == [(1, "published")]


@pytest.mark.parametrize("state", ["draft", "published"])
def test_the_database_keeps_one_draft_and_one_published(world: World, state: str) -> None:
    def make(number: int) -> None:
        FieldRuleVersion(
            merchant=world.merchant, connection=world.erp, number=number, state=state, made_at=NOON, made_by="x"
        ).save()

    make(1)
    with pytest.raises(IntegrityError), transaction.atomic():
        make(2)


def test_a_rule_that_cannot_be_followed_is_not_saved(world: World, mapper: User) -> None:
    draft = field_rules.start_draft(connection_id=world.erp.pk, copied_from=None, by=mapper, at=NOON)
    for rule, words in (
        (Rule(target="reference", default="x"), "Choose what it fills"),
        (Rule(target="note"), "Say where the value comes from"),
        (Rule(target="note", source="[a, b]"), "picks one value"),
        (Rule(target="note", expression="value.__class__"), "not possible here"),
        (Rule(target="requested_at", default="tomorrow"), "no date"),
        (Rule(target="custom", name="", default="x"), "has the name it has there"),
        (Rule(target="note", name="x", default="x"), "Only a custom field"),
        (Rule(target="payment_method", default="cash"), "Odoo has no place for it"),
    ):
        with pytest.raises(field_rules.NotPossible, match=words):
            field_rules.save_draft(version_id=draft.pk, rules=[rule])
    assert field_rules.list_rules(draft) == []


def test_another_platform_without_a_place_for_it_is_told_before_it_is_published(world: World, mapper: User) -> None:
    draft = field_rules.start_draft(connection_id=world.erp.pk, copied_from=None, by=mapper, at=NOON)
    field_rules.save_draft(version_id=draft.pk, rules=[Rule(target="salesperson", default="7")])
    Connection.plain.filter(pk=world.erp.pk).update(platform="woocommerce")
    with pytest.raises(field_rules.NotPossible, match="WooCommerce has no place for it: Salesperson"):
        field_rules.publish(version_id=draft.pk, by=mapper, at=NOON)


def test_rules_of_another_merchant_are_not_followed(world: World, mapper: User) -> None:
    theirs = make_world("Theirs")
    put_in_force(theirs, make_person(theirs.merchant, "mapper"), Rule(target="note", default="theirs"))
    stocked(world, "MUG")
    take(world, sold(note="mine"))
    assert build(create_command()).note == "mine"


# --- preview ----------------------------------------------------------------------------------------------------------


def test_a_preview_shows_before_and_after_and_writes_nothing(world: World, mapper: User) -> None:
    stocked(world, "MUG")
    take(world, sold())
    first = put_in_force(world, mapper, PO)
    draft = field_rules.start_draft(connection_id=world.erp.pk, copied_from=first.pk, by=mapper, at=NOON)
    rules = [PO, NOTE, Rule(target="salesperson", source="raw.nobody", required=True)]
    field_rules.save_draft(version_id=draft.pk, rules=rules)
    (shown,) = field_preview.preview(draft, [Order.plain.select_related("connection", "location").get()])
    assert [(one.label, one.before, one.after, one.error, one.changes) for one in shown.fields] == [
        ("Customer's purchase order number", "PO-77", "PO-77", "", False),
        ("Note", "ring twice", "RING TWICE", "", True),
        ("Salesperson (their id)", "", "", "It gives nothing, and is required.", False),
    ]
    assert build(create_command()).note == "ring twice"


def test_a_dry_run_counts_what_would_change_and_what_would_be_held(world: World, mapper: User) -> None:
    stocked(world, "MUG")
    for number, po in (("1", "7"), ("2", None), ("3", "9")):
        take(world, sold(number, po=po, note="RING" if number == "3" else "ring"))
    draft = field_rules.start_draft(connection_id=world.erp.pk, copied_from=None, by=mapper, at=NOON)
    field_rules.save_draft(version_id=draft.pk, rules=[replace(PO, target="custom", name="x_po"), NOTE])
    trial = field_preview.try_out(draft)
    assert (trial.tried, trial.changed, [one.order.number for one in trial.failing]) == (3, 2, ["2"])
    field_rules.save_draft(version_id=draft.pk, rules=[NOTE])
    assert (field_preview.try_out(draft).changed, field_preview.try_out(draft).failing) == (2, ())


def test_a_dry_run_takes_as_many_queries_for_three_orders_as_for_one(
    world: World, mapper: User, django_assert_num_queries: Any
) -> None:
    stocked(world, "MUG")
    draft = field_rules.start_draft(connection_id=world.erp.pk, copied_from=None, by=mapper, at=NOON)
    field_rules.save_draft(version_id=draft.pk, rules=[PO])
    for numbers in (["1"], ["2", "3"]):
        for number in numbers:
            take(world, sold(number))
        with django_assert_num_queries(8):
            field_preview.try_out(draft)


# --- the order as rules see it ----------------------------------------------------------------------------------------


def test_the_orders_view_is_promised(world: World) -> None:
    """People write paths into it: a field that is renamed or gone breaks their rules."""
    stocked(world, "MUG")
    take(world, sold())
    row = Order.plain.get()
    view = field_rules.read_views([row], with_raw=True)[row.pk]
    line = view["lines"][0]
    assert sorted(view) == [
        "billing", "cash_on_delivery", "currency", "customer", "external_id", "financial", "lines", "location", "note",
        "number", "payments", "placed_at", "raw", "shipping", "shop", "status", "total",
    ]  # fmt: skip
    assert (view["number"], view["total"], view["currency"], view["shop"]) == ("1001", "9.00", "GBP", "Shop A")
    assert view["placed_at"] == "2026-11-20T12:00:00Z"
    assert (line["sku"], line["article"], line["quantity"], line["unit_price"]) == ("MUG", "MUG", "2", "4.50")
    assert sorted(line) == ["article", "discount", "gross", "kind", "name", "net", "quantity", "sku", "tax", "taxes",
                            "unit_price"]  # fmt: skip
    assert view["raw"] == {"meta_data": [{"key": "po", "value": "PO-77"}]}
    assert sorted(view["customer"]) == ["email", "name", "phone"]
    assert build_view(row, lines=[], payments=[])["raw"] is None


@pytest.mark.parametrize("raw", [{"n": float("nan")}, {"n": 10**400}, {"at": NOON, "amount": D("1.5")}, {"s": {1, 2}}])
def test_whatever_the_shop_sent_the_order_is_kept(world: World, raw: dict[str, Any]) -> None:
    take(world, replace(sold(), raw=raw))
    assert OrderPayload.plain.count() == 1
    view = field_rules.read_views([Order.plain.get()], with_raw=True)
    assert Order.plain.get().pk in view


def test_an_erased_buyers_payload_is_gone_and_stays_so(world: World, mapper: User) -> None:
    buyer = r.CustomerRecord(external_id="7", name="Jo Doe", email="jo@example.com")
    take(world, sold(customer=buyer))
    Order.plain.get().fulfilment_orders.update(state="placed")
    Command.plain.update(state=Command.State.VERIFIED)
    assert OrderPayload.plain.count() == 1
    erasure.erase_person(customer_id=Customer.plain.get().pk, by=mapper, reason="asked by letter", at=NOON)
    assert not OrderPayload.plain.exists()
    take(world, sold(customer=buyer, note="again", updated_at=NOON + MINUTE))
    assert not OrderPayload.plain.exists()


def test_a_payload_that_cannot_be_read_any_more_is_as_none(world: World) -> None:
    take(world, sold())
    OrderPayload.plain.update(body=b"[" * 100_000)
    row = Order.plain.get()
    assert field_rules.read_views([row], with_raw=True)[row.pk]["raw"] is None


# --- what the platforms make of it ------------------------------------------------------------------------------------


def test_every_platform_says_what_it_has_a_place_for() -> None:
    assert set(TARGETS) == set(r.ORDER_FIELDS)
    for cls in list_connectors():
        assert cls.order_fields <= set(r.ORDER_FIELDS), cls.key
        if "create_order" in cls.capabilities({}):
            assert cls.order_fields, cls.key


def filled(**more: Any) -> r.OrderDocument:
    return replace(
        r.OrderDocument(
            reference="A-1", number="1", currency="GBP", total=D("1"), placed_at=NOON, customer_external_id="5"
        ),
        **more,
    )


def test_odoo_is_sent_the_fields_it_has() -> None:
    document = filled(
        purchase_order="PO-77",
        requested_at=datetime(2026, 12, 24, 12, tzinfo=UTC),
        shipping_method="3",
        salesperson="7",
        custom={"x_gate": "4"},
    )
    values = odoo.build_order(document, partner_id="5", included_taxes=frozenset())
    wanted = {
        "client_order_ref": "A-1",
        "origin": "1, PO-77",
        "commitment_date": "2026-12-24 12:00:00",
        "carrier_id": 3,
        "user_id": 7,
        "x_gate": "4",
    }
    assert {name: values[name] for name in wanted} == wanted


@pytest.mark.parametrize("name", ["partner_id", "order_line", "x_Gate", "x_", "state"])
def test_a_custom_field_can_be_none_of_odoos_own(name: str) -> None:
    with pytest.raises(Rejected, match="no custom field of Odoo"):
        odoo.build_order(filled(custom={name: "1"}), partner_id="5", included_taxes=frozenset())


def test_woocommerce_is_sent_meta_fields_and_the_shipping_method() -> None:
    line = r.OrderDocumentLine(key="1", kind=r.LineKind.SHIPPING, name="Post", net=D("3"), gross=D("3"))
    document = filled(custom={"gate": "4"}, shipping_method="local_pickup", lines=(line,), customer_external_id="")
    body = woocommerce.build_order(document, "_ours", "processing", {})
    assert body["meta_data"] == [{"key": "_ours", "value": "A-1"}, {"key": "gate", "value": "4"}]
    assert body["shipping_lines"][0]["method_id"] == "local_pickup"
    with pytest.raises(Rejected, match="bears our reference"):
        woocommerce.build_order(filled(custom={"_ours": "A-2"}), "_ours", "processing", {})


@pytest.mark.parametrize(
    ("field", "value"),
    [("purchase_order", "1"), ("requested_at", NOON), ("salesperson", "7"), ("location_external_id", "1")],
)
def test_a_field_woocommerce_has_no_place_for_is_refused_and_not_left_out(field: str, value: Any) -> None:
    keys = {"consumer_key": "k", "consumer_secret": "s"}
    http = HttpClient(base_url="http://127.0.0.1:9", allowed_private=frozenset({("127.0.0.1", 9)}))
    connector = get_connector("woocommerce")(http=http, credentials=keys, settings={})
    with pytest.raises(Unsupported, match="WooCommerce has no place for an order's"):
        connector.create_order(filled(**{field: value}))


def test_of_two_rules_for_one_field_the_later_counts_and_an_empty_one_leaves_it() -> None:
    rules = [Rule(target="note", default="1"), Rule(target="note", default="2"), Rule(target="note", source="nothing")]
    document = fill_document(filled(note="0"), follow(rules, {}, shop=1))
    assert document.note == "2"
    assert fill_document(filled(note="0"), [Step(rule=rules[0], value="x", error="broken")]).note == "0"
    assert check_rule(rules[0]) == {}


def test_a_header_is_all_but_the_lines(world: World) -> None:
    take(world, sold())
    header = build_header(Order.plain.get(), reference="A-1001")
    assert (header.reference, header.number, header.total, header.lines) == ("A-1001", "1001", D("9.00"), ())
