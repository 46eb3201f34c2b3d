"""The SQLite file of Event Grid: one connection, safe in every thread."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS subscriptions (
    key TEXT PRIMARY KEY, scope TEXT NOT NULL, name TEXT NOT NULL, properties TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS system_topics (
    key TEXT PRIMARY KEY, id TEXT NOT NULL, body TEXT NOT NULL
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
ADDED_COLUMNS = (
    # Table, column, type: what files made by older versions lack.
    ("subscriptions", "parent", "TEXT NOT NULL DEFAULT ''"),
    ("deliveries", "letter", "TEXT"),
)


class Database:
    """Runs statements one at a time; what it was told is on its way to disk when it returns."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(SCHEMA)
        for table, column, kind in ADDED_COLUMNS:
            present = {row[1] for row in self.query(f"PRAGMA table_info({table})")}
            if column not in present:
                self.run(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def query(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return every row that a statement finds."""
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def run(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run a statement that changes something; return its cursor for `rowcount` and the like."""
        with self._lock:
            return self._connection.execute(statement, values)

    def run_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row of values."""
        with self._lock:
            self._connection.executemany(statement, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything inside happen, or nothing; nests."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
