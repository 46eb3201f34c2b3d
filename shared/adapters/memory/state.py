"""State, releases and decisions in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from shared.adapters.state_rows import earliest, landing_row, order_row, snapshot
from shared.domain.decision import Decision, Mark
from shared.domain.errors import ConflictError
from shared.domain.events import Landing, Order
from shared.domain.facts import Release, Snapshot
from shared.domain.state import ModelState


class MemoryStateStore:
    """States by model with a counter as etag, and the rows that wait."""

    def __init__(self) -> None:
        self._states: dict[str, tuple[ModelState, str]] = {}
        self._landings: dict[str, dict[str, Landing]] = {}
        self._orders: dict[str, dict[str, Order]] = {}
        self._unsaid: dict[str, tuple[Decision, ...]] = {}
        self._writes = 0

    def load(self, model: str) -> Snapshot:
        """State and waiting rows."""
        state, etag = self._states.get(model, (None, ""))
        landings, orders = self._landings.get(model), self._orders.get(model)
        unsaid = self._unsaid.get(model, ())
        if not landings and not orders:
            return Snapshot(state, etag, unsaid=unsaid)
        return snapshot(state, etag, (landings or {}).values(), (orders or {}).values(), unsaid)

    def save(
        self,
        state: ModelState,
        etag: str,
        taken: Sequence[str] = (),
        unsaid: Sequence[Decision] = (),
    ) -> str:
        """Write the state if it is still that of `etag`, drop the taken rows, all or nothing."""
        model = state.model
        if etag != self._states.get(model, (None, ""))[1]:
            raise ConflictError(f"save the state of {model}: somebody else wrote first")
        landings, orders = self._landings.get(model, {}), self._orders.get(model, {})
        if any(row not in landings and row not in orders for row in taken):
            raise ConflictError(f"save the state of {model}: a row was taken by somebody else")
        for row in taken:
            landings.pop(row, None)
            orders.pop(row, None)
        self._writes += 1
        self._unsaid[model] = tuple(unsaid)
        self._states[model] = (state, f"etag-{self._writes}")
        return self._states[model][1]

    def add_landing(
        self,
        model: str,
        received_at: datetime,  # noqa: ARG002 - the port's; tables keep it for people to read
        bucket_ends_at: datetime,
    ) -> bool:
        """Note that data landed; True for the first one of the bucket."""
        row, mine = landing_row(bucket_ends_at), self._landings.setdefault(model, {})
        if row in mine:
            return False
        mine[row] = Landing(row, bucket_ends_at)
        return True

    def add_order(self, model: str, order: Order) -> bool:
        """Keep an order until a pass takes it in; False if the same order is there already."""
        row, mine = order_row(order.order_id), self._orders.setdefault(model, {})
        if row in mine:
            return False
        mine[row] = replace(order, row=row)
        return True

    def next_due(self) -> dict[str, datetime]:
        """When each known model is due, by its state or by what waits."""
        due = {model: state.next_due_at for model, (state, _) in self._states.items()}
        waiting = [
            *((m, row.received_at) for m, rows in self._landings.items() for row in rows.values()),
            *((m, row.ordered_at) for m, rows in self._orders.items() for row in rows.values()),
        ]
        return earliest(due, waiting)

    def states(self) -> list[ModelState]:
        """Every state."""
        return [state for state, _ in self._states.values()]


class MemoryReleaseStore:
    """The newest release."""

    def __init__(self, release: Release | None = None) -> None:
        self._release = release

    def release(self) -> Release | None:
        """The newest release; None before the first one."""
        return self._release

    def publish(self, release: Release) -> None:
        """Make this the newest release."""
        self._release = release


class MemoryDecisionLog:
    """Decisions in order."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Decision] = {}
        self._claimed: set[str] = set()

    @property
    def decisions(self) -> list[Decision]:
        """Every decision of every model, in the order in which they were kept."""
        return list(self._rows.values())

    def append(self, decision: Decision, also: Sequence[Decision] = ()) -> None:
        """Keep it; the same id twice is one row, and of `also` what is there stays."""
        for each in also:
            self._rows.setdefault((each.model, each.id), each)
        self._rows[decision.model, decision.id] = decision

    def since(
        self, model: str, since: datetime | Mark, most: int, before: Mark | None = None
    ) -> list[Decision]:
        """The newest `most` decisions of a model from `since` on, oldest first."""
        rows = sorted(self._of(model), key=lambda row: row.at)
        if isinstance(since, datetime):
            rows = [row for row in rows if row.at >= since]
        else:
            rows = rows[_place(rows, since, after=True) :]
        return _newest(rows if before is None else rows[: _place(rows, before, after=False)], most)

    def about(
        self, model: str, key: str, most: int, until: datetime | None = None
    ) -> list[Decision]:
        """The newest `most` decisions with this key among their `about`, oldest first."""
        found = (row for row in self._of(model) if key in row.about)
        return _newest((row for row in found if until is None or row.at <= until), most)

    def expire(self, model: str, before: datetime, most: int) -> int:
        """Delete up to `most` decisions of a model from before an instant; gives how many."""
        old = [row for row in self._of(model) if row.at < before][:most]
        for row in old:
            del self._rows[model, row.id]
        return len(old)

    def claim_expiry(self, day: str) -> bool:
        """True for the first one that asks for the day, in any process."""
        first = day not in self._claimed
        self._claimed.add(day)
        return first

    def _of(self, model: str) -> list[Decision]:
        return [row for (owner, _), row in self._rows.items() if owner == model]


def _place(rows: Sequence[Decision], mark: Mark, *, after: bool) -> int:
    """How many of the rows, oldest first, come before the mark, or up to it."""
    for index, row in enumerate(rows):
        if row.id == mark.id:
            return index + after
        if row.at > mark.at:
            return index
    return len(rows)


def _newest(rows: Iterable[Decision], most: int) -> list[Decision]:
    ordered = sorted(rows, key=lambda row: row.at)
    return ordered[max(0, len(ordered) - most) :]
