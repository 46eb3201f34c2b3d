"""What could not be delivered, as it lies in a container."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .event import CLOUD_EVENTS, instant
from .retrying import outcome_of

if TYPE_CHECKING:
    from .chosen import Chosen
    from .event import Event
    from .journal import Delivery, Journal
    from .ports import Storage
    from .retrying import Answer
    from .subscription import Subscription

LOG = logging.getLogger("azure_emulator.event_grid")
GIVEN_UP_AFTER = timedelta(hours=4)
TRIED_AGAIN_AFTER = timedelta(minutes=1)


class DeadLetters:
    """Keeps what is given up: in the subscription's container, or, without one, in the log only."""

    def __init__(self, journal: Journal, storage: Storage, chosen: Chosen) -> None:
        self._journal = journal
        self._storage = storage
        self._chosen = chosen

    def letter(
        self,
        delivery: Delivery,
        subscription: Subscription,
        reason: str,
        answer: Answer,
        now: datetime,
    ) -> tuple[dict[str, Any], datetime] | None:
        """Return what is to lie there and from when; None, and a warning, without a container."""
        outcome = outcome_of(answer)
        words = _words(delivery.event, subscription, outcome)
        if subscription.dead_letter_container is None:
            LOG.warning("Dropped %s, %s", words, reason)
            return None
        LOG.warning("To be dead-lettered: %s, %s", words, reason)
        attempts = delivery.attempts + 1
        letter = dead_letter(delivery.event, subscription.schema, reason, outcome, attempts, now)
        return letter, now + timedelta(seconds=self._chosen.dead_letter_seconds)

    async def write(self, delivery: Delivery, subscription: Subscription, now: datetime) -> None:
        """Put a letter that is due into its container; try for four hours, then drop it."""
        container = subscription.dead_letter_container
        path = f"{subscription.name.upper()}/{now.year}/{now.month}/{now.day}/{now.hour}"
        name, text = f"{path}/{uuid.uuid4()}.json", json.dumps([delivery.letter])
        try:
            if container is not None:
                await asyncio.to_thread(self._upload, container, name, text)
            self._journal.end(delivery.id, "dead-lettered" if container else "dropped")
        except Exception as error:  # whatever storage says
            words = _words(delivery.event, subscription, str(error).partition("\n")[0])
            since = delivery.attempted_at or delivery.event.at
            if now - since >= GIVEN_UP_AFTER:
                LOG.warning("Dropped %s: no dead letter for four hours", words)
                self._journal.end(delivery.id, "dropped")
                return
            LOG.warning("No dead letter yet of %s", words)
            again_at = now + TRIED_AGAIN_AFTER * self._chosen.retry_scale
            self._journal.postpone([delivery.id], again_at)

    def _upload(self, container: str, path: str, text: str) -> None:
        # Imported late: the storage library costs half a second.
        from azure.core.exceptions import ResourceExistsError

        client = self._storage.container(container)
        with suppress(ResourceExistsError):
            client.create_container()
        client.upload_blob(path, text.encode())


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


def _words(event: Event, subscription: Subscription, outcome: str) -> str:
    return f"event {event.id} ({event.type}) for {subscription.name}: {outcome}"
