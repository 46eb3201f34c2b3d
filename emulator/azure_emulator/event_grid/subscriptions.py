"""Which subscriptions and system topics there are, durable."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .event import key_of
from .subscription import Subscription, parse_subscription

if TYPE_CHECKING:
    from .database import Database


class Subscriptions:
    """Event subscriptions and the system topics that some of them belong to."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._known: tuple[Subscription, ...] | None = None

    def all(self) -> tuple[Subscription, ...]:
        """Return all subscriptions."""
        if (known := self._known) is not None:
            return known
        with self._db.transaction():  # or a change in between would be forgotten
            rows = self._db.query("SELECT scope, name, properties, parent FROM subscriptions")
            self._known = tuple(
                parse_subscription(scope, name, {"properties": json.loads(properties)}, parent)
                for scope, name, properties, parent in rows
            )
            return self._known

    def find(self, parent: str, name: str | None = None) -> list[Subscription]:
        """Return the subscriptions below a resource or system topic, or the one of this name."""
        return [
            each
            for each in self.all()
            if key_of(each.parent) == key_of(parent)
            and (name is None or each.name.lower() == name.lower())
        ]

    def save(self, subscription: Subscription) -> bool:
        """Make or replace a subscription; tell whether it is new."""
        with self._db.transaction():
            known = self._db.query("SELECT 1 FROM subscriptions WHERE key = ?", (subscription.key,))
            self._db.run(
                "INSERT OR REPLACE INTO subscriptions (key, scope, name, properties, parent)"
                " VALUES (?, ?, ?, ?, ?)",
                (
                    subscription.key,
                    subscription.scope,
                    subscription.name,
                    json.dumps(subscription.properties),
                    subscription.parent,
                ),
            )
            self._known = None
        return not known

    def delete(self, key: str) -> bool:
        """Remove a subscription; tell whether there was one."""
        with self._db.transaction():
            found = self._db.run("DELETE FROM subscriptions WHERE key = ?", (key,)).rowcount
            self._known = None
        return found > 0

    def system_topics(self) -> list[dict[str, Any]]:
        """Return all system topics as ARM shows them."""
        rows = self._db.query("SELECT body FROM system_topics ORDER BY key")
        return [json.loads(body) for (body,) in rows]

    def save_system_topic(self, topic: dict[str, Any]) -> bool:
        """Make or replace a system topic; tell whether it is new."""
        key = key_of(topic["id"])
        with self._db.transaction():
            known = self._db.query("SELECT 1 FROM system_topics WHERE key = ?", (key,))
            self._db.run(
                "INSERT OR REPLACE INTO system_topics VALUES (?, ?, ?)",
                (key, topic["id"], json.dumps(topic)),
            )
        return not known

    def delete_system_topic(self, topic_id: str) -> bool:
        """Remove a system topic; tell whether there was one."""
        key = key_of(topic_id)
        return self._db.run("DELETE FROM system_topics WHERE key = ?", (key,)).rowcount > 0
