"""What a control plane is made of: its models, its ports and where its events come from."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from shared.application.records import Recorded
from shared.application.retention import Retention
from shared.domain.events import Event, Message
from shared.domain.policy import ModelSpec
from shared.ports import Ports
from shared.telemetry import SILENT, Telemetry


def random_order_id() -> str:
    """An order id that no other process gives out."""
    return uuid.uuid4().hex[:12]


NOBODY = "_events"
"""The partition of decisions about events that belong to no model."""


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """The models that are looked after, and where their events come from."""

    ports: Ports
    models: Mapping[str, ModelSpec]
    workspace: str
    """ARM id."""
    landing_container: str
    read_event: Callable[[object], Event]
    """Parses an Event Grid envelope; raises MalformedError."""
    read_message: Callable[[str], Message]
    """Parses the text of a queue message; raises MalformedError."""
    retention: Retention = field(default_factory=Retention)
    recorded: Recorded = field(default_factory=Recorded)
    commits: dict[str, str] = field(default_factory=dict)
    """The commit of each training job that this process has looked up."""
    new_order_id: Callable[[], str] = random_order_id
    telemetry: Telemetry = SILENT
