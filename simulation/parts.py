"""Memory adapters that tell a watcher what passes through them, and keep only what is needed."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Protocol

from shared.adapters.memory.clock import MemoryClock
from shared.adapters.memory.endpoint import MemoryOnlineEndpoint
from shared.adapters.memory.jobs import MemoryTrainingJobs
from shared.adapters.memory.state import MemoryStateStore
from shared.adapters.schedule import CronSlots
from shared.domain.decision import Decision
from shared.domain.events import Message
from shared.domain.facts import EndpointFacts, Overtaken, Slot, SlotFacts
from shared.domain.policy import ModelSpec
from shared.domain.state import ModelState, Subject, Training


class Watcher(Protocol):
    """Who is told of everything that the control plane does."""

    def saving(self, old: ModelState | None, new: ModelState, said: Sequence[Decision]) -> None:
        """A state was written, with the decisions that are to be recorded."""

    def submitting(self, model: str, training: Training) -> None:
        """A job that was not there is about to start."""

    def deploying(self, model: str, subject: Subject) -> None:
        """A deployment that was not there is about to be made."""

    def routing(self, model: str, traffic: dict[str, int]) -> None:
        """A traffic map is about to be written."""

    def deleting(self, model: str, deployment: str) -> None:
        """A deployment is about to be deleted."""

    def recorded(self, decision: Decision, *, late: bool) -> None:
        """A decision was kept, by its own pass or by a later one, since its own had died."""


class WatchedStates(MemoryStateStore):
    """States, each write of which is looked at."""

    def __init__(self, watcher: Watcher) -> None:
        super().__init__()
        self._watcher = watcher
        self._due: list[tuple[datetime, str]] = []

    def state(self, model: str) -> ModelState | None:
        """The state alone, without looking for rows."""
        return self._states.get(model, (None, ""))[0]

    def save(
        self,
        state: ModelState,
        etag: str,
        taken: Sequence[str] = (),
        unsaid: Sequence[Decision] = (),
    ) -> str:
        """Write the state if it is still that of `etag`."""
        old = self.state(state.model)
        written = super().save(state, etag, taken, unsaid)
        heapq.heappush(self._due, (state.next_due_at, state.model))
        self._watcher.saving(old, state, unsaid)
        return written

    def earliest(self) -> datetime | None:
        """When the first of the known models is due; what was due by older states is dropped."""
        while self._due:
            due_at, model = self._due[0]
            if self._states[model][0].next_due_at == due_at:
                return due_at
            heapq.heappop(self._due)
        return None

    @property
    def known(self) -> int:
        """So many models have been seen."""
        return len(self._states)


class WatchedJobs(MemoryTrainingJobs):
    """Jobs, each start of which is looked at."""

    def __init__(self, watcher: Watcher) -> None:
        super().__init__()
        self._watcher = watcher

    def submit(self, spec: ModelSpec, training: Training) -> None:
        """Start it; a job of that name with the same digest is success."""
        new = training.job not in self.submitted
        super().submit(spec, training)
        if new:
            self._watcher.submitting(spec.name, training)


class WatchedEndpoints:
    """One endpoint a model; operations take as long as `seconds` says."""

    def __init__(self, clock: MemoryClock, watcher: Watcher) -> None:
        self._clock = clock
        self._watcher = watcher
        self._each: dict[str, MemoryOnlineEndpoint] = {}
        self.seconds = 30.0

    def of(self, model: str) -> MemoryOnlineEndpoint:
        """The model's endpoint, with its operations as long as they are now."""
        endpoint = self._each.get(model)
        if endpoint is None:
            endpoint = self._each[model] = MemoryOnlineEndpoint(self._clock)
        endpoint.operation_seconds = self.seconds
        return endpoint

    def get(self, model: str) -> EndpointFacts | None:
        """The endpoint with its traffic and deployments, or None."""
        return self.of(model).get(model)

    def create(self, model: str) -> None:
        """Begin to create it without traffic."""
        self.of(model).create(model)

    def deploy(self, model: str, subject: Subject, instance_type: str, instance_count: int) -> None:
        """Begin to create a deployment at 0 %."""
        facts = self.get(model)
        if facts is None or subject.deployment not in facts.deployments:
            self._watcher.deploying(model, subject)
        self.of(model).deploy(model, subject, instance_type, instance_count)

    def set_traffic(self, model: str, traffic: dict[str, int]) -> None:
        """Begin to write the full traffic map."""
        self._watcher.routing(model, traffic)
        endpoint = self.of(model)
        endpoint.set_traffic(model, traffic)
        endpoint.written.clear()

    def delete_deployment(self, model: str, deployment: str) -> None:
        """Begin to delete it."""
        self.of(model).delete_deployment(model, deployment)
        self._watcher.deleting(model, deployment)


class RecentDecisions:
    """The newest decisions only: a year of them would fill the memory."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self.recent: deque[Decision] = deque(maxlen=200)
        self._kept: dict[str, deque[str]] = {}

    def append(self, decision: Decision, also: Sequence[Decision] = ()) -> None:
        """Keep it for a while, and those that were never kept."""
        kept = self._kept.setdefault(decision.model, deque(maxlen=50))
        for each in also:
            if each.id not in kept:
                kept.append(each.id)
                self.recent.append(each)
                self._watcher.recorded(each, late=True)
        kept.append(decision.id)
        self.recent.append(decision)
        self._watcher.recorded(decision, late=False)

    def since(self, model: str, since: datetime, most: int) -> list[Decision]:
        """The newest decisions of a model."""
        return [each for each in self.recent if each.model == model and each.at >= since][-most:]

    def about(
        self, model: str, key: str, most: int, until: datetime | None = None
    ) -> list[Decision]:
        """The newest decisions with this key."""
        return [
            each
            for each in self.recent
            if each.model == model and key in each.about and (until is None or each.at <= until)
        ][-most:]

    def expire(self, model: str, before: datetime, most: int) -> int:  # noqa: ARG002 - the port's
        """Nothing: old ones are gone already."""
        return 0

    def claim_expiry(self, day: str) -> bool:  # noqa: ARG002 - the port's
        """Nobody needs to look for old ones."""
        return False


class DeliveringQueue:
    """At least once: what was not completed comes again, and is poison after five times."""

    DELIVERIES_MAX = 5

    def __init__(self, clock: MemoryClock) -> None:
        self._clock = clock
        self._waiting: list[tuple[datetime, int, Message, int]] = []
        self._numbers = count()
        self.poison: list[Message] = []

    @property
    def next_at(self) -> datetime | None:
        """When the next message can be seen."""
        return self._waiting[0][0] if self._waiting else None

    def send(self, message: Message, delay_seconds: int = 0) -> None:
        """Enqueue; it becomes visible after the delay."""
        self._put(message, 0, delay_seconds)

    def receive(self) -> tuple[Message, int] | None:
        """The next message that can be seen, and how often it came before."""
        if not self._waiting or self._waiting[0][0] > self._clock.now():
            return None
        _, _, message, deliveries = heapq.heappop(self._waiting)
        return message, deliveries

    def give_back(self, message: Message, deliveries: int, delay_seconds: float) -> None:
        """The function raised or died: the same message again, or never again."""
        if deliveries + 1 >= self.DELIVERIES_MAX:
            self.poison.append(message)
        else:
            self._put(message, deliveries + 1, delay_seconds)

    def _put(self, message: Message, deliveries: int, delay_seconds: float) -> None:
        visible_at = self._clock.now() + timedelta(seconds=delay_seconds)
        entry = (visible_at, next(self._numbers), message, deliveries)
        heapq.heappush(self._waiting, entry)


class RememberedSlots:
    """The same answers as cron gives, asked once for each stretch between two slots."""

    def __init__(self) -> None:
        self._cron = CronSlots()
        self._known: dict[tuple[str, str], SlotFacts] = {}

    def around(self, schedule: str, time_zone: str, now: datetime) -> SlotFacts:
        """The newest due slot and the next one."""
        facts = self._known.get((schedule, time_zone))
        if (
            facts is None
            or facts.newest is None
            or facts.next is None
            or not facts.newest.due_at <= now < facts.next.due_at
        ):
            facts = self._known[schedule, time_zone] = self._cron.around(schedule, time_zone, now)
        return facts

    def between(
        self, schedule: str, time_zone: str, after: datetime, newest: Slot
    ) -> Overtaken | None:
        """The slots that the newest has overtaken."""
        return self._cron.between(schedule, time_zone, after, newest)
