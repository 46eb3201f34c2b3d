"""The health window in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from shared.domain.health import Counts, HealthRow, by_deployment


class MemoryHealthWindow:
    """Rows by model, and of each by deployment, process and bucket."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[tuple[str, str, datetime], HealthRow]] = {}

    def read(self, model: str, since: datetime, until: datetime) -> dict[str, Counts]:
        """Counts by deployment over the buckets that begin in the window."""
        rows = self._rows.get(model, {}).values()
        return by_deployment(
            (row.deployment, row.counts) for row in rows if since <= row.bucket_at < until
        )

    def write(self, model: str, rows: Sequence[HealthRow]) -> None:
        """Upsert what was counted up to now."""
        mine = self._rows.setdefault(model, {})
        for row in rows:
            mine[row.deployment, row.process, row.bucket_at] = row

    def forget(self, model: str) -> None:
        """Let a model's rows go, as a rule for old rows does."""
        self._rows.pop(model, None)
