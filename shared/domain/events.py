"""Facts that come in from outside, and the message that they become."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MESSAGE_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class DataLanded:
    """A blob was written to a storage account."""

    event_id: str
    container: str
    path: str
    """Inside the container."""
    size: int
    api: str
    """The storage operation that raised the event, such as PutBlob."""
    account: str = ""


@dataclass(frozen=True, slots=True)
class RunEnded:
    """An Azure ML run changed its state or ended; it says nothing of child or parent."""

    event_id: str
    workspace: str
    """ARM id of the workspace that raised the event."""
    run_id: str
    status: str


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """An event that Noon has no use for."""

    event_id: str
    kind: str
    subject: str


Event = DataLanded | RunEnded | UnknownEvent


@dataclass(frozen=True, slots=True)
class Landing:
    """One row per bucket of receipt: something landed for the model in these seconds."""

    row: str
    received_at: datetime
    """The end of the bucket."""


class Verb(StrEnum):
    """What an operator can ask."""

    TRAIN = "train"
    PAUSE = "pause"
    """Leave the rollout where it is."""
    RESUME = "resume"
    ABORT = "abort"
    """Give up the version that is rolled out."""
    ROLLBACK = "rollback"
    """Give it up, or go back to the former version when none is rolled out."""
    PROCEED = "proceed"
    """The champion is sick: judge the canary of this rollout by itself."""
    ACCEPT = "accept"
    """The champion cannot be scored any more: judge the next challenger without it, once."""


@dataclass(frozen=True, slots=True)
class Order:
    """Somebody asked for something."""

    row: str
    order_id: str
    who: str
    because: str
    ordered_at: datetime
    verb: Verb = Verb.TRAIN


@dataclass(frozen=True, slots=True)
class Message:
    """Look at this model: all that travels through the queue."""

    model: str
    cause: str
    """What raised it, in a few words: `tick`, `landing 20261123t120000`, `run flights-…`."""
    traceparent: str = ""
    schema: int = MESSAGE_SCHEMA
    event_id: str = ""
    """Of the event that raised it, if one did."""
    attempt: int = 0
    """So often it was sent again before, since it met another pass or an outage."""
