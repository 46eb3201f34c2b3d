"""State and releases in Azure tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_decisions import decisions_of, decisions_text
from shared.adapters.azure_errors import azure_errors
from shared.adapters.azure_tables import AzureTable, escaped
from shared.adapters.state_rows import (
    LANDING_PREFIX,
    ORDER_PREFIX,
    STATE_ROW,
    earliest,
    landing_row,
    order_row,
    snapshot,
)
from shared.domain.decision import Decision
from shared.domain.errors import ConflictError, MalformedError
from shared.domain.events import Landing, Order, Verb
from shared.domain.facts import Release, Snapshot
from shared.domain.state import STATE_SCHEMA, ModelState

if TYPE_CHECKING:
    from pydantic import TypeAdapter

PIECE = 30_000
"""Characters of the state in one property; a table takes 32 Ki."""


class AzureTableStateStore:
    """One partition for each model: its state, and the rows that wait."""

    def __init__(self, table: AzureTable) -> None:
        self._table = table

    def load(self, model: str) -> Snapshot:
        """State and waiting rows in one query."""
        rows = self._table.query("PartitionKey eq @model", {"model": model})
        state, etag = None, ""
        unsaid: list[Decision] = []
        landings: list[Landing] = []
        orders: list[Order] = []
        for row in rows:
            key = str(row["RowKey"])
            if key == STATE_ROW:
                state, etag = state_of(row), str(row.metadata["etag"])
                unsaid = decisions_of(_joined(row, "unsaid", "unsaid_pieces"))
            elif key.startswith(LANDING_PREFIX):
                landings.append(Landing(key, _utc(row["bucket_ends_at"])))
            elif key.startswith(ORDER_PREFIX):
                orders.append(_order_of(row))
        return snapshot(state, etag, landings, orders, unsaid)

    def save(
        self,
        state: ModelState,
        etag: str,
        taken: Sequence[str] = (),
        unsaid: Sequence[Decision] = (),
    ) -> str:
        """Write the state if it is still that of `etag`, drop the taken rows, all or nothing."""
        from azure.core import MatchConditions
        from azure.data.tables import TableTransactionError

        entity = state_row(state) | _pieces("unsaid", "unsaid_pieces", decisions_text(unsaid))
        if etag:
            options = {
                "mode": "replace",
                "etag": etag,
                "match_condition": MatchConditions.IfNotModified,
            }
            write: tuple[Any, ...] = ("update", entity, options)
        else:
            write = ("create", entity)
        deletions = [("delete", {"PartitionKey": state.model, "RowKey": row}) for row in taken]
        doing = f"save the state of {state.model}"
        with azure_errors(doing):
            try:
                answers = self._table.client().submit_transaction([write, *deletions])
            except TableTransactionError as error:
                # 404: a row was taken in by somebody else, or the state is gone.
                if error.status_code in (404, 409, 412):
                    raise ConflictError(f"{doing}: somebody else wrote first") from error
                raise
        return str(answers[0]["etag"])

    def add_landing(self, model: str, received_at: datetime, bucket_ends_at: datetime) -> bool:
        """Note that data landed; True for the first one of the bucket."""
        return self._table.insert(
            {
                "PartitionKey": model,
                "RowKey": landing_row(bucket_ends_at),
                "bucket_ends_at": bucket_ends_at,
                "first_received_at": received_at,
            }
        )

    def add_order(self, model: str, order: Order) -> bool:
        """Keep an order until a pass takes it in; False if the same order is there already."""
        return self._table.insert(
            {
                "PartitionKey": model,
                "RowKey": order_row(escaped(order.order_id)),
                "order_id": order.order_id,
                "verb": order.verb.value,
                "who": order.who,
                "because": order.because,
                "ordered_at": order.ordered_at,
            }
        )

    def next_due(self) -> dict[str, datetime]:
        """When each known model is due, by its state or by what waits; all in one query.

        The table holds nothing but states, what waits and the release, so it is read as a whole.
        """
        columns = ["next_due_at", "bucket_ends_at", "ordered_at"]
        rows = self._table.query(
            "RowKey ge @lowest", {"lowest": LANDING_PREFIX}, select=["PartitionKey", *columns]
        )
        due: dict[str, datetime] = {}
        waiting: list[tuple[str, datetime]] = []
        for row in rows:
            model, found = str(row["PartitionKey"]), [row.get(column) for column in columns]
            if found[0] is not None:
                due[model] = _utc(found[0])
            waiting += [(model, _utc(at)) for at in found[1:] if at is not None]
        return earliest(due, waiting)

    def states(self) -> list[ModelState]:
        """Every state, in one query; without those that this version cannot read."""
        states = []
        for row in self._table.query("RowKey eq @row", {"row": STATE_ROW}):
            with suppress(MalformedError):
                states.append(state_of(row))
        return states


class AzureTableReleaseStore:
    """The newest release, in a partition of its own beside the models."""

    PARTITION = "_release"
    ROW = "current"

    def __init__(self, table: AzureTable) -> None:
        self._table = table

    def release(self) -> Release | None:
        """The newest release; None before the first one."""
        row = self._table.get(self.PARTITION, self.ROW)
        return Release(str(row["component"]), int(row["environment"])) if row else None

    def publish(self, release: Release) -> None:
        """Make this the newest release."""
        self._table.upsert(
            {
                "PartitionKey": self.PARTITION,
                "RowKey": self.ROW,
                "component": release.component,
                "environment": release.environment,
            }
        )


def state_row(state: ModelState) -> dict[str, Any]:
    """The row that holds the state: JSON in pieces, and what queries need as columns."""
    text = json.dumps(_adapter().dump_python(state, mode="json"))
    return {
        "PartitionKey": state.model,
        "RowKey": STATE_ROW,
        "schema": state.schema,
        "next_due_at": state.next_due_at,
        **_pieces("json", "pieces", text),
    }


def state_of(row: Mapping[str, Any]) -> ModelState:
    """The state in a row; raises MalformedError on a schema that this version does not know."""
    from pydantic import ValidationError

    if row.get("schema") != STATE_SCHEMA:
        raise MalformedError(
            f"state of {row['PartitionKey']}: schema {row.get('schema')} is unknown here, "
            f"this version of Noon reads schema {STATE_SCHEMA}"
        )
    try:
        return _adapter().validate_json(_joined(row, "json", "pieces"))
    except ValidationError as error:
        raise MalformedError(f"state of {row['PartitionKey']}: {error}") from error


def _pieces(name: str, count: str, text: str) -> dict[str, Any]:
    """A long text as columns of a row."""
    pieces = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
    return {count: len(pieces), **{f"{name}_{at}": piece for at, piece in enumerate(pieces)}}


def _joined(row: Mapping[str, Any], name: str, count: str) -> str:
    return "".join(str(row[f"{name}_{at}"]) for at in range(int(row.get(count, 0))))


@cache
def _adapter() -> TypeAdapter[ModelState]:
    from pydantic import TypeAdapter

    return TypeAdapter(ModelState)


def _order_of(row: Mapping[str, Any]) -> Order:
    return Order(
        row=str(row["RowKey"]),
        order_id=str(row["order_id"]),
        who=str(row["who"]),
        because=str(row["because"]),
        ordered_at=_utc(row["ordered_at"]),
        verb=Verb(str(row["verb"])),
    )


def _utc(value: datetime) -> datetime:
    # The client gives a datetime of its own kind, in a UTC of its own kind.
    return datetime.fromtimestamp(value.timestamp(), UTC)
