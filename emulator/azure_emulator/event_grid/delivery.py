"""Delivers events in requests of one or, where a subscription asks for it, in batches."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx

from .event import CLOUD_EVENTS
from .journal import BURYING, PENDING
from .retrying import Probation, give_up_reason, outcome_of, pause, succeeded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from .chosen import Chosen
    from .dead_letters import DeadLetters
    from .journal import Delivery, Journal
    from .ports import Clock, Faults
    from .retrying import Answer
    from .subscription import Subscription
    from .subscriptions import Subscriptions

LOG = logging.getLogger("azure_emulator.event_grid")
# It logs whole addresses, and a webhook's holds a key.
logging.getLogger("httpx").setLevel(logging.WARNING)
ANSWER_SECONDS = 30.0
AT_ONCE_MAX = 16
LOOKED_AT_MAX = 5000


@dataclass(slots=True)
class Batch:
    """What one request carries: events for one subscription, delivered together or not at all."""

    subscription: Subscription
    deliveries: list[Delivery] = field(default_factory=list)
    size: int = 0

    def has_room(self, size: int) -> bool:
        """Tell whether one more event of that size fits; a single one always does."""
        fits = self.size + size <= self.subscription.batch_kilobytes * 1024
        return len(self.deliveries) < self.subscription.batch_events_max and fits


class Courier:
    """Takes what is due in the journal to its subscribers."""

    def __init__(
        self,
        journal: Journal,
        subscriptions: Subscriptions,
        letters: DeadLetters,
        clock: Clock,
        chosen: Chosen,
        faults: Faults,
    ) -> None:
        self._journal = journal
        self._subscriptions = subscriptions
        self._letters = letters
        self._clock = clock
        self._chosen = chosen
        self._faults = faults
        self.probation = Probation(chosen)
        self._wake = asyncio.Event()
        self._under_way: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        # The address of a subscriber is nobody's business but its own: no proxies.
        self._http = httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False)

    def wake(self) -> None:
        """Look at the journal again; only from the event loop."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver for ever."""
        while True:
            self._wake.clear()
            now = self._clock.now()
            room = AT_ONCE_MAX - len(self._tasks)
            if room > 0:
                due = self._journal.due(now, self._looked_at(room), self._under_way)
                self._send_due(due, now)
            await self._wait(self._journal.next_due_at(now))

    async def close(self) -> None:
        """Give up what is under way; it is due again at the next start."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._http.aclose()

    async def attempt(self, deliveries: Sequence[Delivery]) -> None:
        """Make one attempt for events of one subscription and note how it went."""
        first = deliveries[0]
        known = {each.key: each for each in self._subscriptions.all()}
        subscription = known.get(first.subscription)
        if subscription is None:
            for delivery in deliveries:
                self._journal.end(delivery.id, "subscription deleted")
        elif first.letter is not None:
            await self._letters.write(first, subscription, self._clock.now())
        else:
            answer = await self._send(deliveries, subscription)
            now = self._clock.now()
            self.probation.note(subscription.key, answer, now)
            for delivery in deliveries:
                self._record(delivery, subscription, answer, now)

    def _looked_at(self, room: int) -> int:
        # Batches and a shuffled order need to see more than what is sent next.
        batched = any(each.batch_events_max > 1 for each in self._subscriptions.all())
        return LOOKED_AT_MAX if batched or self._chosen.shuffle_seed is not None else room

    def _send_due(self, due: Sequence[Delivery], now: datetime) -> None:
        for deliveries in self._batches(self._in_order(due), now):
            if len(self._tasks) >= AT_ONCE_MAX:
                return
            ids = {delivery.id for delivery in deliveries}
            self._under_way |= ids
            task = asyncio.create_task(self.attempt(deliveries))
            self._tasks.add(task)
            task.add_done_callback(partial(self._ended, ids))

    def _in_order(self, due: Sequence[Delivery]) -> Sequence[Delivery]:
        if self._chosen.shuffle_seed is None or not due:
            return due
        # What is due together comes in another order, and in the same one for the same seed.
        dice = random.Random(f"{self._chosen.shuffle_seed} {due[0].id}")  # noqa: S311 - no secret
        return dice.sample(due, len(due))

    def _batches(self, due: Iterable[Delivery], now: datetime) -> list[list[Delivery]]:
        known = {each.key: each for each in self._subscriptions.all()}
        ready: list[list[Delivery]] = []
        open_batches: dict[str, Batch] = {}
        for delivery in due:
            subscription = known.get(delivery.subscription)
            if subscription is None or delivery.letter is not None:
                ready.append([delivery])
                continue
            rests_until = self.probation.until(subscription.key, now)
            if rests_until is not None:
                self._journal.postpone([delivery.id], rests_until)
                continue
            size = len(json.dumps(delivery.event.in_schema(subscription.schema)))
            batch = open_batches.get(subscription.key)
            if batch is None or not batch.has_room(size):
                batch = open_batches[subscription.key] = Batch(subscription)
                ready.append(batch.deliveries)
            batch.deliveries.append(delivery)
            batch.size += size
        return ready

    def _record(
        self, delivery: Delivery, subscription: Subscription, answer: Answer, now: datetime
    ) -> None:
        outcome = outcome_of(answer)
        if succeeded(answer):
            self._journal.record_attempt(delivery.id, now, "delivered", str(answer), None)
            return
        reason = give_up_reason(delivery, subscription, answer, now, self._chosen)
        if reason is None:
            due_at = now + pause(delivery.attempts + 1, answer, self._chosen)
            self._journal.record_attempt(delivery.id, now, PENDING, outcome, due_at)
            return
        letter = self._letters.letter(delivery, subscription, reason, answer, now)
        if letter is None:
            self._journal.record_attempt(delivery.id, now, "dropped", outcome, None)
        else:
            content, due_at = letter
            self._journal.record_attempt(delivery.id, now, BURYING, outcome, due_at, content)

    async def _send(self, deliveries: Sequence[Delivery], subscription: Subscription) -> Answer:
        first = deliveries[0]
        fault = self._faults.take(f"Delivery.{subscription.name}", first.event.subject)
        if fault is not None:
            if fault.delay_seconds:
                wait = timedelta(seconds=fault.delay_seconds)
                await self._clock.sleep_until(self._clock.now() + wait)
            if fault.drop == "before":
                return "SocketError"
            if fault.status is not None:
                return fault.status
        answer = await self._post(deliveries, subscription)
        return "TimedOut" if fault is not None and fault.drop == "after" else answer

    async def _post(self, deliveries: Sequence[Delivery], subscription: Subscription) -> Answer:
        events = [each.event.in_schema(subscription.schema) for each in deliveries]
        headers = {
            "aeg-event-type": "Notification",
            "aeg-subscription-name": subscription.name.upper(),
            "aeg-delivery-count": str(deliveries[0].attempts),
            "aeg-data-version": "",
            "aeg-metadata-version": "1",
        }
        kind, body = "application/json", json.dumps(events)
        if subscription.schema == CLOUD_EVENTS:
            batched = subscription.batch_events_max > 1
            kind = f"application/cloudevents{'-batch' if batched else ''}+json"
            body = json.dumps(events if batched else events[0])
        headers["content-type"] = f"{kind}; charset=utf-8"
        try:
            answer = await self._http.post(subscription.url, content=body, headers=headers)
        except httpx.TimeoutException:
            return "TimedOut"
        except httpx.HTTPError as error:
            LOG.info("%s cannot be reached: %r", subscription.name, error)
            return "ResolutionError" if "name" in str(error).lower() else "SocketError"
        return answer.status_code

    def _ended(self, ids: set[int], task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._under_way -= ids
        if not task.cancelled() and (error := task.exception()) is not None:
            LOG.error("A delivery ended unexpectedly", exc_info=error)
            now = self._clock.now()
            again_at = now + pause(1, "", self._chosen)
            for delivery in ids:
                self._journal.record_attempt(delivery, now, PENDING, repr(error), again_at)
        self._wake.set()

    async def _wait(self, until: datetime | None) -> None:
        waits: list[asyncio.Task[Any]] = [asyncio.create_task(self._wake.wait())]
        if until is not None:
            waits.append(asyncio.create_task(self._clock.sleep_until(until)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
