"""Checks of the work that waits: messages, poison, dead letters, models that are overdue."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from noon.doctor.finding import Found, fail, ok, warn
from noon.doctor.patient import Patient
from noon.doctor.storage import PATIENCE

QUEUES = {"NOON_QUEUE_NAME": "noon-reconcile", "NOON_NOTICES_QUEUE_NAME": "noon-notices"}
"""The settings that name a queue, with what holds where they are not set."""
PEEKED = 32
AGE_WARN = timedelta(minutes=2)
AGE_MAX = timedelta(minutes=15)
OVERDUE_WARN = timedelta(minutes=3)
"""The tick looks once a minute."""
OVERDUE_MAX = timedelta(minutes=15)
LETTERS_COUNTED = 1000
NAMED = 3


def queue_age(patient: Patient) -> Found:
    """No message waits long: the queue function takes them."""
    messages = _peeked(patient, _queue(patient, "NOON_QUEUE_NAME"))
    if not messages:
        return ok("no message waits")
    oldest = min(message.inserted_on for message in messages)
    return aged(len(messages), datetime.now(UTC) - oldest)


def aged(count: int, age: timedelta) -> Found:
    """How so many messages stand of which the oldest has this age."""
    text = f"the oldest of {_count(count, 'message')} waits for {_span(age)}"
    advice = "is the function reconcile running? see functions, and the app's log"
    if age >= AGE_MAX:
        return fail(text, advice)
    return warn(text, advice) if age >= AGE_WARN else ok(text)


def poison(patient: Patient) -> Found:
    """No message failed five times, and no notice for most of a day."""
    names = [f"{_queue(patient, setting)}-poison" for setting in QUEUES]
    found = [text for name in names if (text := _poisoned(name, _peeked(patient, name)))]
    if not found:
        return ok("none")
    return warn(
        ", and ".join(found),
        "noon replay --poison tells what would come of them; --yes takes them in again",
    )


def _poisoned(name: str, messages: list[Any]) -> str:
    if not messages:
        return ""
    many = "32 or more messages" if len(messages) >= PEEKED else _count(len(messages), "message")
    return f"{many} in {name}, the oldest since {_clock(messages[0].inserted_on)}"


def dead_letters(patient: Patient) -> Found:
    """Event Grid could deliver everything."""
    url = patient.needed("NOON_DEAD_LETTER_URL")
    from azure.core.exceptions import ResourceNotFoundError
    from azure.storage.blob import ContainerClient

    found: list[Any] = []
    with (
        ContainerClient.from_container_url(
            url, credential=patient.credential(), **PATIENCE
        ) as container,
        suppress(ResourceNotFoundError),
    ):
        found = list(islice(container.list_blobs(), LETTERS_COUNTED))
    if not found:
        return ok("none")
    newest = max(blob.last_modified for blob in found)
    return warn(
        f"{_count(len(found), 'file')} of events, the newest of {_clock(newest)}",
        "noon replay --dead-letter tells what would come of them; delete what is old",
    )


def overdue(patient: Patient) -> Found:
    """No model waits longer than a tick to be looked at."""
    plane = patient.runtime.plane
    patient.credential()
    now = datetime.now(UTC)
    due = plane.ports.state.next_due()
    return late({model: now - at for model, at in due.items() if model in plane.models})


def late(waits: Mapping[str, timedelta]) -> Found:
    """How models stand that should have been looked at so long ago."""
    found = sorted(((age, model) for model, age in waits.items() if age >= OVERDUE_WARN))[::-1]
    if not found:
        return ok(f"none of {_count(len(waits), 'model')}")
    worst = found[0][0]
    names = ", ".join(model for _, model in found[:NAMED])
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    text = f"{names}{more} should have been looked at {_span(worst)} ago"
    advice = "are the functions tick and reconcile running? see functions and queue-age"
    return fail(text, advice) if worst >= OVERDUE_MAX else warn(text, advice)


def _queue(patient: Patient, setting: str) -> str:
    return patient.setting(setting) or QUEUES[setting]


def _peeked(patient: Patient, name: str) -> list[Any]:
    url = patient.needed("NOON_QUEUE_URL")
    from azure.core.exceptions import ResourceNotFoundError
    from azure.storage.queue import QueueClient

    with (
        QueueClient(url, name, credential=patient.credential(), **PATIENCE) as client,
        suppress(ResourceNotFoundError),
    ):
        return list(client.peek_messages(PEEKED))
    return []


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _span(span: timedelta) -> str:
    seconds = span.total_seconds()
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _clock(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%m-%d %H:%M:%SZ")
