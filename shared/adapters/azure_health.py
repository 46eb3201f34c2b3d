"""The health window in a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.adapters.azure_tables import AzureTable, escaped
from shared.domain.health import Counts, HealthRow, by_deployment

ROWS_MAX = 100
"""Rows of one transaction."""


class AzureTableHealthWindow:
    """One row for each bucket, deployment and process, replaced as its counts grow.

    The key begins with the bucket's time, so that a window is one range of keys, however many
    processes counted.
    """

    def __init__(self, table: AzureTable) -> None:
        self._table = table

    def read(self, model: str, since: datetime, until: datetime) -> dict[str, Counts]:
        """Counts by deployment over the buckets that begin in the window, in one query."""
        rows = self._table.query(
            "PartitionKey eq @model and RowKey ge @since and RowKey lt @until",
            {"model": model, "since": _stamp(since), "until": _stamp(until)},
        )
        return by_deployment((str(row["deployment"]), _counts(row)) for row in rows)

    def write(self, model: str, rows: Sequence[HealthRow]) -> None:
        """Upsert what was counted up to now; the same row again replaces itself."""
        for start in range(0, len(rows), ROWS_MAX):
            part = rows[start : start + ROWS_MAX]
            self._table.upsert_together((_entity(model, row), False) for row in part)


def _entity(model: str, row: HealthRow) -> dict[str, Any]:
    # Names are full of dashes: the sign between them is one that no escaped name holds.
    key = f"{_stamp(row.bucket_at)}!{escaped(row.deployment)}!{escaped(row.process)}"
    return {
        "PartitionKey": model,
        "RowKey": key,
        "deployment": row.deployment,
        "requests": row.counts.requests,
        "failures": row.counts.failures,
        "topped_up": row.counts.topped_up,
        "latencies": json.dumps(row.counts.latencies, separators=(",", ":")),
    }


def _counts(row: Mapping[str, Any]) -> Counts:
    return Counts(
        int(row["requests"]),
        int(row["failures"]),
        int(row["topped_up"]),
        tuple(json.loads(str(row["latencies"]))),
    )


def _stamp(instant: datetime) -> str:
    return instant.strftime("%Y%m%dt%H%M%S%f")
