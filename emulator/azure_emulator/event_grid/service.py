"""Event Grid as the rest of the emulator sees it."""

from __future__ import annotations

import asyncio
import logging
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .chosen import Chosen
from .database import Database
from .dead_letters import DeadLetters
from .delivery import Courier
from .event import Event
from .handshake import shake_hands
from .journal import Journal
from .ports import SystemClock
from .seen_blobs import SeenBlobs
from .subscription import matching
from .subscriptions import Subscriptions
from .watcher import BlobWatcher

if TYPE_CHECKING:
    from collections.abc import Collection, Coroutine
    from pathlib import Path

    from .ports import Clock, Faults, Storage
    from .subscription import Subscription

LOG = logging.getLogger("azure_emulator.event_grid")


class EventGrid:
    """Subscriptions, delivery and blob events; everything durable lies in the home folder."""

    def __init__(
        self,
        home: Path,
        storage: Storage,
        watch_seconds: float,
        faults: Faults,
        clock: Clock | None = None,
        chosen: Chosen | None = None,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self.chosen = chosen or Chosen()
        self._faults = faults
        self._database = Database(home / "event_grid.db")
        self.subscriptions = Subscriptions(self._database)
        self.journal = Journal(self._database)
        self._letters = DeadLetters(self.journal, storage, self.chosen)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._courier: Courier | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._changing = asyncio.Lock()
        self.watcher = BlobWatcher(
            self._database,
            SeenBlobs(self._database),
            storage,
            self.clock,
            watch_seconds,
            self,
        )
        self._watch = watch_seconds > 0

    async def start(self) -> None:
        """Begin to deliver and to watch."""
        self._loop = asyncio.get_running_loop()
        self._courier = Courier(
            self.journal,
            self.subscriptions,
            self._letters,
            self.clock,
            self.chosen,
            self._faults,
        )
        self._run("delivery", self._courier.run())
        if self._watch:
            self._run("blob watcher", self.watcher.run())

    async def stop(self) -> None:
        """Stop delivering; what is accepted stays for the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        if self._courier is not None:
            await self._courier.close()
        self._courier = None
        self._loop = None
        self._database.close()

    def publish(self, scope: str, event_type: str, subject: str, data: dict[str, Any]) -> None:
        """Accept one event of the workspace durably; from any thread."""
        if self.chosen.data_keys == "PascalCase":
            data = {name[:1].upper() + name[1:]: value for name, value in data.items()}
        self.accept(Event(str(uuid.uuid4()), scope, event_type, subject, data, self.clock.now()))

    def accept(self, event: Event) -> None:
        """Keep an event and what it becomes, as the faults will have it; from any thread."""
        fault = self._faults.take(f"Event.{event.type.rpartition('.')[2]}", event.subject)
        wanted = [each.key for each in matching(self.subscriptions.all(), event)]
        lost = fault is not None and fault.drop == "before"
        copies = 0 if lost else fault.copies if fault is not None else 1
        delay = timedelta(seconds=fault.delay_seconds if fault is not None else 0.0)
        self.journal.add_event(event, wanted * copies, lost=lost, due_at=event.at + delay)
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(self.wake)

    async def subscribe(self, subscription: Subscription) -> bool:
        """Accept a subscription after its handshake; tell whether it is new."""
        async with self._changing:
            await shake_hands(subscription, self.clock.now())
            if self.watcher.is_own(subscription.scope):
                old = self.subscriptions.all()
                new = [each for each in old if each.key != subscription.key]
                await asyncio.to_thread(self.watcher.begin, old, [*new, subscription])
            return self.subscriptions.save(subscription)

    def unsubscribe(self, subscription: Subscription) -> None:
        """Remove a subscription and give up what is on its way to it."""
        with self._database.transaction():
            self.subscriptions.delete(subscription.key)
            self.journal.abandon(subscription.key)

    def resting(self) -> list[dict[str, object]]:
        """Return the subscriptions whose endpoints are on probation."""
        return self._courier.probation.listed(self.clock.now()) if self._courier else []

    async def redeliver(
        self, ids: Collection[str] | None, type_name: str | None, times: int, *, reverse: bool
    ) -> int:
        """Send events again, one after the other, and return the number of requests made."""
        if self._courier is None:
            raise RuntimeError("Event Grid is not running")
        events = self.journal.events(ids, type_name)
        if reverse:
            events.reverse()
        sent = 0
        for _ in range(times):
            for event in events:
                for subscription in matching(self.subscriptions.all(), event):
                    # Not due for the courier while it is under way here; a failure makes it due.
                    delivery = self.journal.add_delivery(event, subscription.key, None)
                    await self._courier.attempt([delivery])
                    sent += 1
        self._courier.wake()
        return sent

    def wake(self) -> None:
        """Look for what is due; only from the event loop."""
        if self._courier is not None:
            self._courier.wake()

    def _run(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_report_end)
        self._tasks.append(task)


def _report_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        LOG.error("The %s ended", task.get_name(), exc_info=error)
