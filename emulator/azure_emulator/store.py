"""The durable store below every controller: resources by id, compared without case."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from .resource import Json, Resource, now

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS resources (
    key TEXT PRIMARY KEY, id TEXT NOT NULL, kind TEXT NOT NULL, parent TEXT NOT NULL,
    name TEXT NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL,
    created_at TEXT NOT NULL, modified_at TEXT NOT NULL, sequence INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS resources_by_parent ON resources (kind, parent, sequence);
CREATE INDEX IF NOT EXISTS resources_by_sequence ON resources (sequence);
CREATE INDEX IF NOT EXISTS resources_by_archived ON resources (kind, parent, {archived}, sequence);
"""
# Assets say it in their properties, runs in `hidden`.
ARCHIVED = (
    "coalesce(json_extract(body, '$.properties.isArchived'), json_extract(body, '$.hidden'), 0)"
)
SELECT = (
    "SELECT id, kind, parent, name, body, state, created_at, modified_at, sequence FROM resources"
)


View = Callable[[Resource, Resource | None], Resource | None]
VIEW: ContextVar[View | None] = ContextVar("view", default=None)
"""What a read makes of a resource and of what it was before its last change (None: not known)."""
BEFORE_MAX = 10_000
WALK_ROWS = 128


class Store:
    """SQLite in WAL mode with one connection: a write is on disk order before it returns."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._before: OrderedDict[str, Resource] = OrderedDict()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(SCHEMA.format(archived=ARCHIVED))

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def get(self, resource_id: str) -> Resource | None:
        """Give the resource with this id, in whatever case, or None."""
        with self._lock:
            row = self._db.execute(SELECT + " WHERE key = ?", (_key(resource_id),)).fetchone()
        return self._seen(_resource(row)) if row else None

    def put(
        self,
        resource_id: str,
        kind: str,
        body: Json,
        *,
        state: Json | None = None,
        parent: str = "",
    ) -> tuple[Resource, bool]:
        """Make or replace; give the row and whether it is new. `state` None keeps the old one."""
        with self._lock:
            old = self.get(resource_id)
            if old:
                kept = old.state if state is None else state
                if body != old.body:
                    self._remember(old)
                self._db.execute(
                    "UPDATE resources SET body = ?, state = ?, modified_at = ? WHERE key = ?",
                    (json.dumps(body), json.dumps(kept), now(), _key(resource_id)),
                )
            else:
                self._insert(resource_id, kind, parent, body, state or {})
            new = self.get(resource_id)
        if new is None:
            raise LookupError(resource_id)
        return new, old is None

    def change(self, resource_id: str, change: Callable[[Json, Json], None]) -> Resource | None:
        """Let `change` edit body and state in one step; None when there is no such resource."""
        with self._lock:
            old = self.get(resource_id)
            if old is None:
                return None
            change(old.body, old.state)
            return self.put(old.id, old.kind, old.body, state=old.state)[0]

    def delete(self, resource_id: str) -> bool:
        """Remove one resource; False when it was not there."""
        with self._lock:
            self._before.pop(_key(resource_id), None)
            cursor = self._db.execute("DELETE FROM resources WHERE key = ?", (_key(resource_id),))
            return cursor.rowcount > 0

    def list(self, kind: str, parent: str | None = None) -> list[Resource]:
        """Give all of a kind, oldest first, or those below one parent id."""
        query = SELECT + " WHERE kind = ?"
        parameters: list[Any] = [kind]
        if parent is not None:
            query += " AND parent = ?"
            parameters.append(_key(parent))
        with self._lock:
            rows = self._db.execute(query + " ORDER BY sequence", parameters).fetchall()
        seen = (self._seen(_resource(row)) for row in rows)
        return [resource for resource in seen if resource]

    def walk(
        self,
        kind: str,
        parent: str,
        *,
        newest_first: bool = False,
        archived: bool | None = None,
        after: int | None = None,
        where: tuple[str, str] | None = None,
    ) -> Iterator[Resource]:
        """Give what lies below a parent, read only as far as it is asked for.

        `archived` keeps those or the others, `where` those whose body has a value in a field;
        `after` is the sequence of the last one seen.
        """
        direction, beyond = ("DESC", "<") if newest_first else ("ASC", ">")
        query = SELECT + " WHERE kind = ? AND parent = ?"
        fixed: list[Any] = [kind, _key(parent)]
        if archived is not None:
            query += f" AND {ARCHIVED} = ?"
            fixed.append(int(archived))
        if where is not None:
            query += " AND json_extract(body, ?) = ?"
            fixed += [f"$.{where[0]}", where[1]]
        while True:
            more = f" AND sequence {beyond} ?" if after is not None else ""
            ordered = f"{query}{more} ORDER BY sequence {direction} LIMIT {WALK_ROWS}"
            with self._lock:
                given = [*fixed, after] if after is not None else fixed
                rows = self._db.execute(ordered, given).fetchall()
            for row in rows:
                if seen := self._seen(_resource(row)):
                    yield seen
            if len(rows) < WALK_ROWS:
                return
            after = int(rows[-1][-1])

    def without(self, kind: str, field: str, values: tuple[str, ...]) -> tuple[Resource, ...]:
        """Give those of a kind, oldest first, whose body has none of the values in a field."""
        marks = ", ".join("?" * len(values))
        query = f"{SELECT} WHERE kind = ? AND json_extract(body, ?) NOT IN ({marks})"
        with self._lock:
            given = (kind, f"$.{field}", *values)
            rows = self._db.execute(query + " ORDER BY sequence", given).fetchall()
        return tuple(_resource(row) for row in rows)

    def names(self, kind: str, parent: str) -> tuple[str, ...]:
        """Give the names below a parent, oldest first."""
        query = "SELECT name FROM resources WHERE kind = ? AND parent = ? ORDER BY sequence"
        with self._lock:
            return tuple(row[0] for row in self._db.execute(query, (kind, _key(parent))))

    def parents(self, kind: str) -> tuple[str, ...]:
        """Give the keys of the parents that have something of a kind."""
        query = "SELECT DISTINCT parent FROM resources WHERE kind = ?"
        with self._lock:
            return tuple(row[0] for row in self._db.execute(query, (kind,)))

    def _seen(self, resource: Resource) -> Resource | None:
        view = VIEW.get()
        return view(resource, self._before.get(_key(resource.id))) if view else resource

    def _remember(self, old: Resource) -> None:
        self._before[_key(old.id)] = old
        self._before.move_to_end(_key(old.id))
        if len(self._before) > BEFORE_MAX:
            self._before.popitem(last=False)

    def _insert(self, resource_id: str, kind: str, parent: str, body: Json, state: Json) -> None:
        instant = now()
        name = resource_id.rstrip("/").rpartition("/")[2]
        self._db.execute(
            "INSERT INTO resources SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?,"
            " coalesce(max(sequence), 0) + 1 FROM resources",
            (
                _key(resource_id),
                resource_id,
                kind,
                _key(parent),
                name,
                json.dumps(body),
                json.dumps(state),
                instant,
                instant,
            ),
        )


def newest_first(resources: Iterable[Resource]) -> list[Resource]:
    """Order by time of creation, newest first."""
    return sorted(resources, key=lambda resource: -resource.sequence)


def _key(resource_id: str) -> str:
    return resource_id.strip("/").lower()


def _resource(row: tuple[Any, ...]) -> Resource:
    resource_id, kind, parent, name, body, state, created_at, modified_at, sequence = row
    return Resource(
        resource_id,
        kind,
        parent,
        name,
        json.loads(body),
        json.loads(state),
        created_at,
        modified_at,
        sequence,
    )
