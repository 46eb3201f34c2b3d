"""Event Grid as the rest of the emulator sees it."""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import TYPE_CHECKING, Any

from .api import EventGridApi
from .delivery import Courier
from .event import Event, key_of
from .faults import EventFaults
from .handshake import shake_hands
from .journal import Journal
from .ports import SystemClock
from .subscription import matching
from .watcher import BlobWatcher

if TYPE_CHECKING:
    from collections.abc import Collection, Coroutine
    from pathlib import Path

    from starlette.routing import Route

    from .ports import Clock, Storage
    from .subscription import Subscription

LOG = logging.getLogger("azure_emulator.event_grid")


class EventGrid:
    """Subscriptions, delivery and blob events; everything durable lies in the home folder."""

    def __init__(
        self,
        home: Path,
        storage: Storage,
        watch_seconds: float,
        clock: Clock | None = None,
        *,
        retry_scale: float = 1.0,
    ) -> None:
        self.faults = EventFaults()
        self.clock: Clock = clock or SystemClock()
        self.journal = Journal(home / "event_grid.db")
        self._storage = storage
        self._retry_scale = retry_scale
        self._loop: asyncio.AbstractEventLoop | None = None
        self._courier: Courier | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._changing = asyncio.Lock()
        self.watcher = BlobWatcher(
            self.journal, storage, self.clock, watch_seconds, self._keep_and_wake
        )
        self._watch = watch_seconds > 0

    async def start(self) -> None:
        """Begin to deliver and to watch."""
        self._loop = asyncio.get_running_loop()
        self._courier = Courier(self.journal, self._storage, self.clock, self._retry_scale)
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
        self.journal.close()

    def publish(self, scope: str, event_type: str, subject: str, data: dict[str, Any]) -> None:
        """Accept one event durably; from any thread."""
        event = Event(str(uuid.uuid4()), scope, event_type, subject, data, self.clock.now())
        self._keep_and_wake(event)

    def routes(self) -> list[Route]:
        """Return the ARM routes of subscriptions and the control routes."""
        return EventGridApi(self).routes()

    async def subscribe(self, subscription: Subscription) -> bool:
        """Accept a subscription after its handshake; tell whether it is new."""
        async with self._changing:
            await shake_hands(subscription, self.clock.now())
            if self.watcher.is_own(subscription.scope):
                old = self.journal.subscriptions()
                new = [each for each in old if each.key != subscription.key]
                await asyncio.to_thread(self.watcher.begin, old, [*new, subscription])
            return self.journal.save_subscription(subscription)

    def find(self, scope: str, name: str | None = None) -> list[Subscription]:
        """Return the subscriptions of a scope, or the one of this name."""
        return [
            each
            for each in self.journal.subscriptions()
            if key_of(each.scope) == key_of(scope)
            and (name is None or each.name.lower() == name.lower())
        ]

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
                for subscription in matching(self.journal.subscriptions(), event):
                    # Not due for the courier while it is under way here; a failure makes it due.
                    delivery = self.journal.add_delivery(event, subscription.key, None)
                    await self._courier.attempt(delivery)
                    sent += 1
        self._courier.wake()
        return sent

    def _keep_and_wake(self, event: Event) -> None:
        copies = self.faults.copies(event.type)
        wanted = [each.key for each in matching(self.journal.subscriptions(), event)]
        self.journal.add_event(event, wanted * copies, lost=copies == 0)
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if self._courier is not None:
            self._courier.wake()

    def _run(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_report_end)
        self._tasks.append(task)


def _report_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        LOG.error("The %s ended", task.get_name(), exc_info=error)
