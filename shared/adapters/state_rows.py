"""How the rows of one model are named and read back, the same in tables and in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from shared.domain.decision import Decision
from shared.domain.events import Landing, Order
from shared.domain.facts import Snapshot
from shared.domain.state import ModelState

ROWS_MAX = 99
"""So many rows are shown at once: with the state they fill one transaction of a table."""

STATE_ROW = "state"
LANDING_PREFIX = "landing-"
ORDER_PREFIX = "order-"


def landing_row(bucket_ends_at: datetime) -> str:
    """Key of the row for the landings of a bucket."""
    return LANDING_PREFIX + bucket_ends_at.strftime("%Y%m%dt%H%M%S%f")


def order_row(order_id: str) -> str:
    """Key of the row for an order."""
    return ORDER_PREFIX + order_id


def earliest(
    due: Mapping[str, datetime], waiting: Iterable[tuple[str, datetime]]
) -> dict[str, datetime]:
    """When each model is due: what waits for it came with a message, which can be lost."""
    found = dict(due)
    for model, at in waiting:
        if model in found:
            found[model] = min(found[model], at)
    return found


def snapshot(
    state: ModelState | None,
    etag: str,
    landings: Iterable[Landing],
    orders: Iterable[Order],
    unsaid: Sequence[Decision] = (),
) -> Snapshot:
    """What a pass sees: the oldest orders and the newest landings, as many as it can take in.

    The newest landings, since the quiet period is counted from the last one.
    """
    oldest_orders = sorted(orders, key=lambda order: (order.ordered_at, order.row))[:ROWS_MAX]
    room = ROWS_MAX - len(oldest_orders)
    newest_first = sorted(landings, key=lambda landing: landing.row, reverse=True)[:room]
    return Snapshot(state, etag, tuple(reversed(newest_first)), tuple(oldest_orders), tuple(unsaid))
