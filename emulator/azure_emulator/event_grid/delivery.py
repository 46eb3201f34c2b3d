"""Delivers events: one request each, retried on Event Grid's schedule, dead-lettered at the end."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from contextlib import suppress
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx

from .event import CLOUD_EVENTS, instant
from .journal import PENDING

if TYPE_CHECKING:
    from datetime import datetime

    from .event import Event
    from .journal import Delivery, Journal
    from .ports import Clock, Storage
    from .subscription import Subscription

LOG = logging.getLogger("azure_emulator.event_grid")
# It logs whole addresses, and a webhook's holds a key.
logging.getLogger("httpx").setLevel(logging.WARNING)
ANSWER_SECONDS = 30.0
RETRY_SECONDS = (10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 43200)
SUCCESSES = (200, 201, 202, 203, 204)
NEVER_RETRIED = (400, 401, 403, 413)
AT_ONCE_MAX = 16


class Courier:
    """Takes what is due in the journal to its subscribers."""

    def __init__(
        self, journal: Journal, storage: Storage, clock: Clock, retry_scale: float
    ) -> None:
        self._journal = journal
        self._storage = storage
        self._clock = clock
        self._retry_scale = retry_scale
        self._wake = asyncio.Event()
        self._under_way: dict[int, asyncio.Task[None]] = {}
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
            room = AT_ONCE_MAX - len(self._under_way)
            for delivery in self._journal.due(now, room, set(self._under_way)) if room else ():
                task = asyncio.create_task(self.attempt(delivery))
                self._under_way[delivery.id] = task
                task.add_done_callback(partial(self._ended, delivery.id))
            await self._wait(self._journal.next_due_at(now))

    async def close(self) -> None:
        """Give up what is under way; it is due again at the next start."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._http.aclose()

    async def attempt(self, delivery: Delivery) -> None:
        """Make one attempt and note how it went."""
        known = {each.key: each for each in self._journal.subscriptions()}
        subscription = known.get(delivery.subscription)
        if subscription is None:
            gone = "subscription deleted"
            self._journal.record_attempt(delivery.id, self._clock.now(), gone, "", None)
            return
        answer = await self._send(delivery, subscription)
        now = self._clock.now()
        if isinstance(answer, int) and answer in SUCCESSES:
            self._journal.record_attempt(delivery.id, now, "delivered", str(answer), None)
            return
        attempts = delivery.attempts + 1
        reason = self._give_up_reason(delivery, subscription, answer, attempts, now)
        if reason is None:
            due_at = now + self._pause(attempts)
            self._journal.record_attempt(delivery.id, now, PENDING, _outcome(answer), due_at)
            return
        outcome = await self._bury(delivery.event, subscription, reason, answer, attempts, now)
        self._journal.record_attempt(delivery.id, now, outcome, _outcome(answer), None)

    async def _send(self, delivery: Delivery, subscription: Subscription) -> int | str:
        """Return the status, or the name of what went wrong before there was one."""
        event = delivery.event.in_schema(subscription.schema)
        cloud = subscription.schema == CLOUD_EVENTS
        kind = "application/cloudevents+json" if cloud else "application/json"
        headers = {
            "content-type": f"{kind}; charset=utf-8",
            "aeg-event-type": "Notification",
            "aeg-subscription-name": subscription.name.upper(),
            "aeg-delivery-count": str(delivery.attempts),
            "aeg-data-version": "",
            "aeg-metadata-version": "1",
        }
        body = json.dumps(event if cloud else [event])
        try:
            answer = await self._http.post(subscription.url, content=body, headers=headers)
        except httpx.TimeoutException:
            return "TimedOut"
        except httpx.HTTPError as error:
            LOG.info("%s cannot be reached: %r", subscription.name, error)
            return "Unreachable"
        return answer.status_code

    def _give_up_reason(
        self,
        delivery: Delivery,
        subscription: Subscription,
        answer: int | str,
        attempts: int,
        now: datetime,
    ) -> str | None:
        if answer in NEVER_RETRIED:
            return "UndeliverableDueToClientError"
        if attempts >= subscription.attempts_max:
            return "MaxDeliveryAttemptsExceeded"
        lifetime = timedelta(minutes=subscription.lifetime_minutes) * self._retry_scale
        if now + self._pause(attempts) > delivery.event.at + lifetime:
            return "TimeToLiveExceeded"
        return None

    def _pause(self, attempts: int) -> timedelta:
        seconds = RETRY_SECONDS[min(attempts, len(RETRY_SECONDS)) - 1]
        return timedelta(seconds=seconds) * self._retry_scale

    async def _bury(
        self,
        event: Event,
        subscription: Subscription,
        reason: str,
        answer: int | str,
        attempts: int,
        now: datetime,
    ) -> str:
        words = f"event {event.id} ({event.type}) for {subscription.name}: {_outcome(answer)}"
        container = subscription.dead_letter_container
        if container is None:
            LOG.warning("Dropped %s, %s", words, reason)
            return "dropped"
        letter = dead_letter(event, subscription.schema, reason, _outcome(answer), attempts, now)
        path = f"{subscription.name.upper()}/{now.year}/{now.month}/{now.day}/{now.hour}"
        try:
            await asyncio.to_thread(
                self._upload, container, f"{path}/{uuid.uuid4()}.json", json.dumps([letter])
            )
        except Exception:
            LOG.exception("Dropped %s, since it could not be dead-lettered", words)
            return "dropped"
        LOG.warning("Dead-lettered %s, %s", words, reason)
        return "dead-lettered"

    def _upload(self, container: str, path: str, text: str) -> None:
        # Imported late: the storage library costs half a second.
        from azure.core.exceptions import ResourceExistsError

        client = self._storage.container(container)
        with suppress(ResourceExistsError):
            client.create_container()
        client.upload_blob(path, text.encode())

    def _ended(self, delivery: int, task: asyncio.Task[None]) -> None:
        del self._under_way[delivery]
        if not task.cancelled() and (error := task.exception()) is not None:
            LOG.error("A delivery ended unexpectedly", exc_info=error)
            now = self._clock.now()
            again_at = now + self._pause(1)
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


def dead_letter(
    event: Event, schema: str, reason: str, outcome: str, attempts: int, now: datetime
) -> dict[str, Any]:
    """Return an event as it lies in the dead-letter container."""
    facts: dict[str, Any] = {
        "deadLetterReason": reason,
        "deliveryAttempts": attempts,
        "lastDeliveryOutcome": outcome,
        "publishTime": instant(event.at),
        "lastDeliveryAttemptTime": instant(now),
    }
    if schema == CLOUD_EVENTS:
        # CloudEvents allows lower-case letters only in the names of extensions.
        facts = {name.lower(): value for name, value in facts.items()}
    return {**event.in_schema(schema), **facts}


def _outcome(answer: int | str) -> str:
    if isinstance(answer, str):
        return answer
    try:
        return HTTPStatus(answer).phrase.replace(" ", "").replace("-", "")
    except ValueError:
        return str(answer)
