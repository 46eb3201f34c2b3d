"""Every event that was accepted, and how its deliveries go."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .event import EVENT_GRID, Event

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from .database import Database

PENDING = "pending"
BURYING = "dead-lettering"
EVENTS_KEPT = 50_000
_EVENT = "events.id, events.topic, events.type, events.subject, events.data, events.at"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one subscription, or (with a `letter`) to its dead letters."""

    id: int
    event: Event
    subscription: str
    attempts: int
    attempted_at: datetime | None = None
    letter: dict[str, Any] | None = None


class Journal:
    """Events and deliveries, durable; safe in every thread."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._prune()

    def add_event(
        self,
        event: Event,
        subscriptions: Sequence[str],
        *,
        lost: bool = False,
        due_at: datetime | None = None,
    ) -> None:
        """Keep an event and its deliveries, due at once or at `due_at`."""
        with self._db.transaction():
            self._db.run(
                "INSERT INTO events (id, topic, type, subject, data, at, lost)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    event.id,
                    event.topic,
                    event.type,
                    event.subject,
                    json.dumps(event.data),
                    event.at.timestamp(),
                    lost,
                ),
            )
            for subscription in subscriptions:
                self.add_delivery(event, subscription, due_at or event.at)

    def add_delivery(self, event: Event, subscription: str, due_at: datetime | None) -> Delivery:
        """Keep one more delivery of an event; without `due_at` its caller makes the attempt."""
        cursor = self._db.run(
            "INSERT INTO deliveries (event, subscription, attempts, due_at, outcome, answer)"
            " VALUES (?, ?, 0, ?, ?, '')",
            (event.id, subscription, due_at and due_at.timestamp(), PENDING),
        )
        return Delivery(int(cursor.lastrowid or 0), event, subscription, 0)

    def due(self, now: datetime, limit: int, except_ids: Collection[int]) -> list[Delivery]:
        """Return deliveries whose time has come, oldest first."""
        rows = self._db.query(
            "SELECT deliveries.id, subscription, attempts, attempted_at, letter,"  # noqa: S608
            f" {_EVENT} FROM deliveries JOIN events ON events.id = deliveries.event"
            " WHERE due_at <= ? ORDER BY due_at, deliveries.id LIMIT ?",
            (now.timestamp(), limit + len(except_ids)),
        )
        found = [
            Delivery(
                row[0],
                _event(row[5:]),
                row[1],
                row[2],
                None if row[3] is None else datetime.fromtimestamp(row[3], UTC),
                None if row[4] is None else json.loads(row[4]),
            )
            for row in rows
        ]
        return [delivery for delivery in found if delivery.id not in except_ids][:limit]

    def next_due_at(self, now: datetime) -> datetime | None:
        """Return when the next delivery after `now` is due."""
        ((due_at,),) = self._db.query(
            "SELECT min(due_at) FROM deliveries WHERE due_at > ?", (now.timestamp(),)
        )
        return None if due_at is None else datetime.fromtimestamp(due_at, UTC)

    def record_attempt(
        self,
        delivery: int,
        at: datetime,
        outcome: str,
        answer: str,
        due_at: datetime | None,
        letter: dict[str, Any] | None = None,
    ) -> None:
        """Note how an attempt went; without `due_at` it was the last one.

        With a `letter` it was the last one too, and the letter is due then.
        """
        self._db.run(
            "UPDATE deliveries SET attempts = attempts + 1, attempted_at = ?, outcome = ?,"
            " answer = ?, due_at = ?, letter = ? WHERE id = ?",
            (
                at.timestamp(),
                outcome,
                answer,
                due_at and due_at.timestamp(),
                None if letter is None else json.dumps(letter),
                delivery,
            ),
        )

    def postpone(self, deliveries: Collection[int], due_at: datetime) -> None:
        """Put deliveries off; it counts as no attempt."""
        self._db.run_many(
            "UPDATE deliveries SET due_at = ? WHERE id = ?",
            [(due_at.timestamp(), delivery) for delivery in deliveries],
        )

    def end(self, delivery: int, outcome: str) -> None:
        """Note how a delivery ended without one more attempt."""
        self._db.run(
            "UPDATE deliveries SET outcome = ?, due_at = NULL WHERE id = ?", (outcome, delivery)
        )

    def abandon(self, subscription: str) -> None:
        """Give up everything that is on its way to a subscription that was deleted."""
        self._db.run(
            "UPDATE deliveries SET due_at = NULL, outcome = 'subscription deleted'"
            " WHERE subscription = ? AND due_at IS NOT NULL",
            (subscription,),
        )

    def events(self, ids: Collection[str] | None, type_name: str | None) -> list[Event]:
        """Return events, oldest first; without `ids` those that were not lost."""
        rows = self._db.query(f"SELECT {_EVENT}, lost FROM events ORDER BY sequence")  # noqa: S608
        return [
            _event(row)
            for row in rows
            if (not row[6] if ids is None else row[0] in ids)
            and (type_name is None or row[2].lower() == type_name.lower())
        ]

    def report(self) -> list[dict[str, Any]]:
        """Return every event with how its deliveries went."""
        events = self._db.query(f"SELECT {_EVENT}, lost FROM events ORDER BY sequence")  # noqa: S608
        deliveries = self._db.query(
            "SELECT event, subscription, attempts, outcome, answer FROM deliveries ORDER BY id"
        )
        by_event: dict[str, list[dict[str, Any]]] = {}
        for event, subscription, attempts, outcome, answer in deliveries:
            by_event.setdefault(event, []).append(
                {
                    "subscription": subscription.rpartition("/")[2],
                    "attempts": attempts,
                    "outcome": outcome,
                    "answer": answer,
                }
            )
        return [
            {
                **_event(row).in_schema(EVENT_GRID),
                "lost": bool(row[6]),
                "deliveries": by_event.get(row[0], []),
            }
            for row in events
        ]

    def next_sequencer(self) -> str:
        """Return a text that sorts after every one before it."""
        ((last,),) = self._db.query("SELECT coalesce(max(sequence), 0) FROM events")
        return f"{last + 1:048X}"

    def _prune(self) -> None:
        with self._db.transaction():
            self._db.run(
                "DELETE FROM events WHERE sequence <= (SELECT max(sequence) - ? FROM events)"
                " AND NOT EXISTS (SELECT 1 FROM deliveries"
                " WHERE event = events.id AND due_at IS NOT NULL)",
                (EVENTS_KEPT,),
            )
            self._db.run("DELETE FROM deliveries WHERE event NOT IN (SELECT id FROM events)")


def _event(row: Sequence[Any]) -> Event:
    event_id, topic, type_name, subject, data, at = row[:6]
    return Event(
        event_id, topic, type_name, subject, json.loads(data), datetime.fromtimestamp(at, UTC)
    )
