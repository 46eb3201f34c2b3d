"""Memory adapters that tell a watcher what passes through them, and keep only what is needed."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

from shared.adapters.memory.clock import MemoryClock
from shared.adapters.memory.state import MemoryStateStore
from shared.adapters.schedule import CronSlots
from shared.domain.decision import Decision, Mark
from shared.domain.events import Message, Order
from shared.domain.facts import Overtaken, Slot, SlotFacts
from shared.domain.notices import DecisionNotice, Notice
from shared.domain.state import ModelState
from simulation.truth import Newest
from simulation.watcher import Watcher

NEVER = datetime.max.replace(tzinfo=UTC)


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

    def add_landing(self, model: str, received_at: datetime, bucket_ends_at: datetime) -> bool:
        """Note that data landed."""
        heapq.heappush(self._due, (bucket_ends_at, model))
        return super().add_landing(model, received_at, bucket_ends_at)

    def add_order(self, model: str, order: Order) -> bool:
        """Keep an order."""
        heapq.heappush(self._due, (order.ordered_at, model))
        return super().add_order(model, order)

    def earliest(self) -> datetime | None:
        """When the first of the known models is due; what was due before is dropped."""
        while self._due:
            due_at, model = self._due[0]
            state = self.state(model)
            waits = self._landings.get(model) or self._orders.get(model)
            if waits or (state is not None and state.next_due_at == due_at):
                return due_at
            heapq.heappop(self._due)
        return None

    @property
    def known(self) -> int:
        """So many models have been seen."""
        return len(self._states)


class RecentDecisions:
    """The newest decisions only: a year of them would fill the memory."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self.recent: deque[Decision] = deque(maxlen=200)
        self._kept: dict[str, Newest] = {}

    def append(self, decision: Decision, also: Sequence[Decision] = ()) -> None:
        """Keep it for a while, and those that were never kept."""
        kept = self._kept.setdefault(decision.model, Newest(50))
        for each in also:
            if each.id not in kept:
                kept.add(each.id)
                self.recent.append(each)
                self._watcher.recorded(each, late=True)
        kept.add(decision.id)
        self.recent.append(decision)
        self._watcher.recorded(decision, late=False)

    def since(
        self, model: str, since: datetime | Mark, most: int, before: Mark | None = None
    ) -> list[Decision]:
        """The newest decisions of a model."""
        first, last = (since if isinstance(since, datetime) else since.at), before
        return [
            each
            for each in self.recent
            if each.model == model and each.at >= first and (last is None or each.at < last.at)
        ][-most:]

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
    def next_at(self) -> datetime:
        """When the next message can be seen."""
        return self._waiting[0][0] if self._waiting else NEVER

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


class WatchedNotices:
    """Notices that are counted and go nowhere: who is told has no say in the simulation."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def send(self, notice: Notice, delay_seconds: int = 0) -> None:  # noqa: ARG002 - the port's
        """Enqueue."""
        assert isinstance(notice, DecisionNotice), "no alert comes in here"
        self._watcher.told(notice.model, notice.decision)


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

    def named(self, key: str, time_zone: str) -> Slot:
        """The slot of a key."""
        return self._cron.named(key, time_zone)

    def between(
        self, schedule: str, time_zone: str, after: datetime, newest: Slot
    ) -> Overtaken | None:
        """The slots that the newest has overtaken."""
        return self._cron.between(schedule, time_zone, after, newest)
