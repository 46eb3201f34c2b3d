"""Everything that Event Grid must not forget, in one SQLite file."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .event import Event
from .subscription import Subscription, parse_subscription

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS subscriptions (
    key TEXT PRIMARY KEY, scope TEXT NOT NULL, name TEXT NOT NULL, properties TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, topic TEXT NOT NULL,
    type TEXT NOT NULL, subject TEXT NOT NULL, data TEXT NOT NULL, at REAL NOT NULL,
    lost INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, subscription TEXT NOT NULL,
    attempts INTEGER NOT NULL, due_at REAL, outcome TEXT NOT NULL, answer TEXT NOT NULL,
    attempted_at REAL
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS deliveries_by_event ON deliveries (event);
CREATE TABLE IF NOT EXISTS blobs (
    container TEXT NOT NULL, path TEXT NOT NULL, etag TEXT NOT NULL, size INTEGER NOT NULL,
    content_type TEXT NOT NULL, blob_type TEXT NOT NULL, PRIMARY KEY (container, path)
);
"""
PENDING = "pending"
EVENTS_KEPT = 50_000
_EVENT = "events.id, events.topic, events.type, events.subject, events.data, events.at"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one subscription."""

    id: int
    event: Event
    subscription: str
    attempts: int


@dataclass(frozen=True, slots=True)
class SeenBlob:
    """A blob as it was when the container was last listed."""

    path: str
    etag: str
    size: int
    content_type: str
    blob_type: str


class Journal:
    """Subscriptions, events, deliveries and the blobs seen so far; safe in every thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._subscriptions: tuple[Subscription, ...] | None = None
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(SCHEMA)
        self._prune()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    # Subscriptions

    def save_subscription(self, subscription: Subscription) -> bool:
        """Make or replace a subscription; tell whether it is new."""
        with self.transaction():
            self._subscriptions = None
            known = self._db.execute(
                "SELECT 1 FROM subscriptions WHERE key = ?", (subscription.key,)
            ).fetchone()
            self._db.execute(
                "INSERT OR REPLACE INTO subscriptions VALUES (?, ?, ?, ?)",
                (
                    subscription.key,
                    subscription.scope,
                    subscription.name,
                    json.dumps(subscription.properties),
                ),
            )
        return known is None

    def delete_subscription(self, key: str) -> bool:
        """Remove a subscription and what is on its way to it; tell whether there was one."""
        with self.transaction():
            self._subscriptions = None
            found = self._db.execute("DELETE FROM subscriptions WHERE key = ?", (key,)).rowcount
            self._db.execute(
                "UPDATE deliveries SET due_at = NULL, outcome = 'subscription deleted'"
                " WHERE subscription = ? AND due_at IS NOT NULL",
                (key,),
            )
        return found > 0

    def subscriptions(self) -> tuple[Subscription, ...]:
        """Return all subscriptions."""
        with self._lock:
            if self._subscriptions is None:
                rows = self._db.execute("SELECT scope, name, properties FROM subscriptions")
                self._subscriptions = tuple(
                    parse_subscription(scope, name, {"properties": json.loads(properties)})
                    for scope, name, properties in rows.fetchall()
                )
            return self._subscriptions

    # Events and deliveries

    def add_event(self, event: Event, subscriptions: Sequence[str], *, lost: bool = False) -> None:
        """Keep an event and its deliveries, due at once."""
        with self.transaction():
            self._db.execute(
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
                self.add_delivery(event, subscription, event.at)

    def add_delivery(self, event: Event, subscription: str, due_at: datetime | None) -> Delivery:
        """Keep one more delivery of an event; without `due_at` its caller makes the attempt."""
        with self._lock:
            cursor = self._db.execute(
                "INSERT INTO deliveries (event, subscription, attempts, due_at, outcome, answer)"
                " VALUES (?, ?, 0, ?, ?, '')",
                (event.id, subscription, due_at and due_at.timestamp(), PENDING),
            )
        return Delivery(int(cursor.lastrowid or 0), event, subscription, 0)

    def due(self, now: datetime, limit: int, except_ids: Collection[int]) -> list[Delivery]:
        """Return deliveries whose time has come, oldest first."""
        with self._lock:
            rows = self._db.execute(
                f"SELECT deliveries.id, subscription, attempts, {_EVENT} FROM deliveries"  # noqa: S608
                " JOIN events ON events.id = deliveries.event"
                " WHERE due_at <= ? ORDER BY due_at, deliveries.id LIMIT ?",
                (now.timestamp(), limit + len(except_ids)),
            ).fetchall()
        found = [Delivery(row[0], _event(row[3:]), row[1], row[2]) for row in rows]
        return [delivery for delivery in found if delivery.id not in except_ids][:limit]

    def next_due_at(self, now: datetime) -> datetime | None:
        """Return when the next delivery after `now` is due."""
        with self._lock:
            (due_at,) = self._db.execute(
                "SELECT min(due_at) FROM deliveries WHERE due_at > ?", (now.timestamp(),)
            ).fetchone()
        return None if due_at is None else datetime.fromtimestamp(due_at, UTC)

    def record_attempt(
        self, delivery: int, at: datetime, outcome: str, answer: str, due_at: datetime | None
    ) -> None:
        """Note how an attempt went; without `due_at` it was the last one."""
        with self._lock:
            self._db.execute(
                "UPDATE deliveries SET attempts = attempts + 1, attempted_at = ?, outcome = ?,"
                " answer = ?, due_at = ? WHERE id = ?",
                (at.timestamp(), outcome, answer, due_at and due_at.timestamp(), delivery),
            )

    def events(self, ids: Collection[str] | None, type_name: str | None) -> list[Event]:
        """Return events, oldest first; without `ids` those that were not lost."""
        with self._lock:
            rows = self._db.execute(
                f"SELECT {_EVENT}, lost FROM events ORDER BY sequence"  # noqa: S608
            ).fetchall()
        return [
            _event(row)
            for row in rows
            if (not row[6] if ids is None else row[0] in ids)
            and (type_name is None or row[2].lower() == type_name.lower())
        ]

    def report(self) -> list[dict[str, Any]]:
        """Return every event with how its deliveries went."""
        with self._lock:
            events = self._db.execute(
                f"SELECT {_EVENT}, lost FROM events ORDER BY sequence"  # noqa: S608
            ).fetchall()
            deliveries = self._db.execute(
                "SELECT event, subscription, attempts, outcome, answer FROM deliveries ORDER BY id"
            ).fetchall()
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
                **_event(row).in_schema("EventGridSchema"),
                "lost": bool(row[6]),
                "deliveries": by_event.get(row[0], []),
            }
            for row in events
        ]

    # Blobs

    def seen_blobs(self, container: str) -> dict[str, SeenBlob]:
        """Return the blobs of a container as they were seen last, by path."""
        with self._lock:
            rows = self._db.execute(
                "SELECT path, etag, size, content_type, blob_type FROM blobs WHERE container = ?",
                (container,),
            ).fetchall()
        return {row[0]: SeenBlob(*row) for row in rows}

    def save_blobs(
        self, container: str, changed: Iterable[SeenBlob], removed: Iterable[str]
    ) -> None:
        """Note what changed in a container since it was seen last."""
        with self.transaction():
            self._db.executemany(
                "INSERT OR REPLACE INTO blobs VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (container, blob.path, blob.etag, blob.size, blob.content_type, blob.blob_type)
                    for blob in changed
                ],
            )
            self._db.executemany(
                "DELETE FROM blobs WHERE container = ? AND path = ?",
                [(container, path) for path in removed],
            )

    def next_sequencer(self) -> str:
        """Return a text that sorts after every one before it."""
        with self._lock:
            (last,) = self._db.execute("SELECT coalesce(max(sequence), 0) FROM events").fetchone()
        return f"{last + 1:048X}"

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything inside happen, or nothing; nests."""
        with self._lock:
            if self._db.in_transaction:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _prune(self) -> None:
        with self.transaction():
            self._db.execute(
                "DELETE FROM events WHERE sequence <= (SELECT max(sequence) - ? FROM events)"
                " AND NOT EXISTS (SELECT 1 FROM deliveries"
                " WHERE event = events.id AND due_at IS NOT NULL)",
                (EVENTS_KEPT,),
            )
            self._db.execute("DELETE FROM deliveries WHERE event NOT IN (SELECT id FROM events)")


def _event(row: Sequence[Any]) -> Event:
    event_id, topic, type_name, subject, data, at = row[:6]
    return Event(
        event_id, topic, type_name, subject, json.loads(data), datetime.fromtimestamp(at, UTC)
    )
