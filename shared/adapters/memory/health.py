"""The health window in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from shared.domain.health import Counts, HealthRow


class MemoryHealthWindow:
    """Rows by model, deployment, process and bucket."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, str, datetime], HealthRow] = {}

    def read(self, model: str, since: datetime, until: datetime) -> dict[str, Counts]:
        """Counts by deployment over the buckets that begin in the window."""
        found: dict[str, Counts] = {}
        for (owner, deployment, _, bucket_at), row in self._rows.items():
            if owner == model and since <= bucket_at < until:
                found[deployment] = found.get(deployment, Counts()).plus(row.counts)
        return found

    def write(self, model: str, rows: Sequence[HealthRow]) -> None:
        """Upsert what was counted up to now."""
        for row in rows:
            self._rows[model, row.deployment, row.process, row.bucket_at] = row
