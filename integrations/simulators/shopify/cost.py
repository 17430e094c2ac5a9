"""What a query costs, and the bucket it is paid from.

documented: https://shopify.dev/docs/api/usage/limits#graphql-admin-api-rate-limits: scalars 0, objects 1, a mutation
10, interfaces and unions their dearest selection, connections by first or last; at most 1000 a query; the bucket must
hold the requested cost, and is given back what the answer cost less. `connection = 2 + first x node` is what its
debug header shows (https://github.com/Shopify/shopify-api-js/issues/602). judgement: edges and pageInfo cost nothing,
a list counts as one object; the bucket holds 20 seconds' worth.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
)

MOST = 1000
MUTATION = 10
PLANS = {"standard": 100, "advanced": 200, "plus": 1000, "enterprise": 2000}  # points a second
WRAPPERS = {"edges", "nodes", "node", "pageInfo"}
_ASKED: Any = object()  # stands for an answer that is not there yet


@dataclass
class Bucket:
    """Points that can be spent now, of `size`, coming back at `rate` a second."""

    rate: float
    left: float = field(init=False)
    at: float = field(init=False)

    def __post_init__(self) -> None:
        self.left, self.at = self.size, time.monotonic()

    @property
    def size(self) -> float:
        return self.rate * 20

    def refill(self) -> None:
        now = time.monotonic()
        self.left, self.at = min(self.size, self.left + (now - self.at) * self.rate), now

    def take(self, points: float) -> bool:
        self.refill()
        if points > self.left:
            return False
        self.left -= points
        return True

    def give_back(self, points: float) -> None:
        self.left = min(self.size, self.left + points)

    def describe(self) -> dict[str, float]:
        self.refill()
        return {"maximumAvailable": self.size, "currentlyAvailable": float(int(self.left)), "restoreRate": self.rate}


class Meter:
    """Counts one operation, before it is run and after."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self.schema, self.variables = schema, variables
        self.fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }

    def count(self, operation: OperationDefinitionNode, answer: Any = _ASKED) -> int:
        """The requested cost; with the answer's data, the actual one."""
        root = self.schema.get_root_type(operation.operation)
        if root is None:
            return 0
        flat = MUTATION if root is self.schema.mutation_type else 0
        total = 0
        for node, _ in self._fields(operation.selection_set, root.name):
            total += max(flat, self._field(node, root.name, _pick(answer, node), flat == 0))
        return total

    def _fields(self, selections: SelectionSetNode, kind: str) -> list[tuple[FieldNode, str]]:
        """The fields selected, each with the type it is selected on."""
        found: list[tuple[FieldNode, str]] = []
        for node in selections.selections:
            if isinstance(node, FieldNode):
                found.append((node, kind))
            elif isinstance(node, InlineFragmentNode):
                on = node.type_condition.name.value if node.type_condition else kind
                found += self._fields(node.selection_set, on)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self.fragments[node.name.value]
                found += self._fields(fragment.selection_set, fragment.type_condition.name.value)
        return found

    def _selections(self, selections: SelectionSetNode | None, kind: str, answer: Any, wrapped: bool = False) -> int:
        """documented: of an abstract type the dearest of the possible selections counts."""
        if selections is None:
            return 0
        common = 0
        by_type: dict[str, int] = {}
        for node, on in self._fields(selections, kind):
            if wrapped and node.name.value not in WRAPPERS:
                continue
            cost = self._field(node, on, _pick(answer, node))
            if on == kind:
                common += cost
            else:
                by_type[on] = by_type.get(on, 0) + cost
        return common + max(by_type.values(), default=0)

    def _field(self, node: FieldNode, kind: str, answer: Any, counts_children: bool = True) -> int:
        name = node.name.value
        if name.startswith("__") or answer is None:
            return 0
        parent = self.schema.type_map[kind]
        definition = getattr(parent, "fields", {}).get(name)
        if definition is None or is_leaf_type(get_named_type(definition.type)):
            return 0
        returned = get_named_type(definition.type)
        if returned.name.endswith("Connection"):
            return self._connection(node, returned.name, answer)
        if kind == "QueryRoot" and name == "nodes":
            return self._nodes(node, returned.name, answer)
        own = 1 if counts_children and (kind == "QueryRoot" or name not in WRAPPERS) else 0
        inner = answer[0] if isinstance(answer, list) and answer else answer
        return own + self._selections(node.selection_set, returned.name, inner)

    def _nodes(self, node: FieldNode, kind: str, answer: Any) -> int:
        """nodes(ids: …): each that is asked for, then each that is there."""
        rows = [_ASKED] * self._longest_list(node) if answer is _ASKED else [row for row in answer if row]
        return sum(1 + self._selections(node.selection_set, kind, row) for row in rows)

    def _longest_list(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            value = argument.value
            if isinstance(value, ListValueNode):
                return len(value.values)
            if isinstance(value, VariableNode):
                return len(self.variables.get(value.name.value) or [])
        return 0

    def _connection(self, node: FieldNode, kind: str, answer: Any) -> int:
        """Two, and each node with what is under it; an answer's nodes one by one."""
        connection = cast("GraphQLObjectType", self.schema.type_map[kind])
        of = get_named_type(connection.fields["nodes"].type).name
        total = 2
        for inner, _ in self._fields(node.selection_set, kind) if node.selection_set else []:
            if inner.name.value not in {"nodes", "edges"} or inner.selection_set is None:
                continue
            each = [inner]
            if inner.name.value == "edges":
                each = [one for one, _ in self._fields(inner.selection_set, "") if one.name.value == "node"]
            got = _pick(answer, inner)
            for one in each:
                if got is _ASKED:
                    total += self._size(node) * (1 + self._selections(one.selection_set, of, _ASKED))
                    continue
                rows = [_pick(row, one) for row in got or []] if inner.name.value == "edges" else got or []
                total += sum(1 + self._selections(one.selection_set, of, row) for row in rows)
        return total

    def _size(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value in {"first", "last"}:
                value = argument.value
                if isinstance(value, IntValueNode):
                    return int(value.value)
                if isinstance(value, VariableNode) and self.variables.get(value.name.value) is not None:
                    return int(self.variables[value.name.value])
        return 0


def _pick(answer: Any, node: FieldNode) -> Any:
    if answer is _ASKED:
        return _ASKED
    if not isinstance(answer, dict):
        return None
    return answer.get(node.alias.value if node.alias else node.name.value)
