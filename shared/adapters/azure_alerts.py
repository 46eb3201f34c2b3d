"""What is known of alert rules, in an Azure table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_errors import azure_errors
from shared.adapters.azure_tables import AzureTable, escaped
from shared.domain.alerts import AlertRow
from shared.domain.errors import ConflictError

if TYPE_CHECKING:
    from azure.data.tables import TableEntity

WHOLE = "_all"
"""The partition of rules that are about no single model."""


class AzureTableAlertStore:
    """A row for each rule and model, in the model's partition."""

    def __init__(self, table: AzureTable) -> None:
        self._table = table

    def load(self, rule: str, model: str) -> tuple[AlertRow | None, str]:
        """The row and its etag; None and "" before the first word."""
        row = self._table.get(_partition(model), escaped(rule))
        return (None, "") if row is None else (_row_of(row), str(row.metadata["etag"]))

    def save(self, rule: str, model: str, row: AlertRow, etag: str) -> None:
        """Write it if it is still that of `etag`; raises ConflictError."""
        from azure.core import MatchConditions
        from azure.data.tables import UpdateMode

        entity = _entity(rule, model, row)
        if not etag:
            if not self._table.insert(entity):
                raise ConflictError(f"save {rule} of {model or WHOLE}: somebody else wrote first")
            return
        with azure_errors(f"save {rule} of {model or WHOLE}"):
            self._table.client().update_entity(
                entity,
                mode=UpdateMode.REPLACE,
                etag=etag,
                match_condition=MatchConditions.IfNotModified,
            )


def _partition(model: str) -> str:
    return escaped(model) if model else WHOLE


def _entity(rule: str, model: str, row: AlertRow) -> dict[str, Any]:
    entity = {
        "PartitionKey": _partition(model),
        "RowKey": escaped(rule),
        "alert_id": row.alert_id,
        "fired_at": row.fired_at.isoformat(),
        "issue": row.issue,
        "decision": row.decision,
    }
    # As text: a table's own times have seven digits of seconds, and its client a type of its own.
    return entity | ({"resolved_at": row.resolved_at.isoformat()} if row.resolved_at else {})


def _row_of(row: TableEntity) -> AlertRow:
    resolved = row.get("resolved_at")
    return AlertRow(
        alert_id=str(row["alert_id"]),
        fired_at=datetime.fromisoformat(str(row["fired_at"])).astimezone(UTC),
        resolved_at=datetime.fromisoformat(str(resolved)).astimezone(UTC) if resolved else None,
        issue=int(row["issue"]),
        decision=str(row["decision"]),
    )
