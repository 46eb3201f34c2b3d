"""One history of a world: the clock jumps from one thing that is due to the next."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from shared.adapters.azure_queues import message_text
from shared.application import intake
from shared.application.reconcile import TICK
from shared.domain.decision import Decision
from shared.domain.events import Message, Verb
from shared.domain.facts import ContainerFacts
from shared.domain.state import ModelState
from simulation.faults import CrashError, survivable
from simulation.truth import ViolationError, live
from simulation.world import BEGIN, World

MINUTE = timedelta(minutes=1)
SETTLED_WITHIN = timedelta(days=8)
"""Without faults everything comes to rest within this time, if only for a moment."""
RECONCILES_A_DAY_MAX = 500
"""For one model; more means that passes chase each other."""
PORTS = (
    "state",
    "decisions",
    "queue",
    "landing",
    "files",
    "jobs",
    "registry",
    "endpoint",
    "containers",
    "prober",
    "health",
)


@dataclass
class Result:
    """What became of one history."""

    seed: int
    models: int
    days: int
    reconciles: int = 0
    violation: str = ""
    invariant: str = ""
    trace: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    """What was asked of each port."""


class History:
    """Drives a world until its days are over, and then until it has settled."""

    def __init__(self, seed: int, models: int, days: int) -> None:
        self._world = World(f"noon {seed}", models)
        self._world.faults.meanwhile = self._meanwhile
        self._end = BEGIN + timedelta(days=days)
        self._ticked_at = BEGIN
        self._passed = ""
        self.result = Result(seed, models, days)
        self._limit = 1000 + RECONCILES_A_DAY_MAX * models * (days + 8)

    def run(self) -> Result:
        """The whole history; the first violation ends it."""
        try:
            self._live()
        except ViolationError as error:
            self._failed(error.invariant, str(error))
        except Exception as error:
            self._failed("unforeseen", f"unforeseen {type(error).__name__}: {error}")
        world, result = self._world, self.result
        result.faults, result.calls = world.faults.counts, world.faults.calls
        result.counts["unsaid"] = world.checker.unsaid
        result.counts["poison"] = len(world.queue.poison)
        result.counts["promoted"] = sum(
            state.last_version for state in map(world.state, world.specs) if state
        )
        result.counts["jobs"] = len(world.jobs.submitted)
        return result

    def _failed(self, invariant: str, text: str) -> None:
        self.result.invariant = invariant
        self.result.violation = f"{self._world.now():%Y-%m-%d %H:%M:%S} {text}"
        self.result.trace = [_line(at, what) for at, what in self._world.trace]

    def _live(self) -> None:
        world = self._world
        for outside in world.outsides.values():
            outside.begin()
        world.later(timedelta(hours=7), self._daily)
        world.later(self._some_days(15), self._outage)
        world.later(self._some_days(50), self._image)
        world.later(self._some_days(10), self._deafness)
        while self._step(self._end):
            pass
        self._settle()

    def _some_days(self, mean: float) -> timedelta:
        return timedelta(days=mean * self._world.random.expovariate(1))

    def _step(self, end: datetime) -> bool:
        """The next thing that is due, whatever it is; False when the time is over."""
        world, now = self._world, self._world.now()
        message_at, outside_at = world.queue.next_at, world.next_at
        at = min(message_at, outside_at)
        if at > now:
            at = min(at, self._tick_at())
        if at >= end:
            return False
        if at > now:
            world.clock.advance(at - now)
            now = at
        if message_at <= now:
            self._receive()
        elif outside_at <= now:
            world.happen()
        else:
            self._tick()
        if self.result.reconciles > self._limit:
            raise ViolationError("settles", f"{self.result.reconciles} passes and no end")
        return True

    def _tick_at(self) -> datetime:
        """The next full minute in which the tick has something to do."""
        world = self._world
        due = world.states.earliest() if world.states.known == len(world.specs) else None
        earliest = max(due or BEGIN, self._ticked_at + MINUTE, world.now())
        minute = earliest.replace(second=0, microsecond=0)
        return minute if minute == earliest else minute + MINUTE

    def _tick(self) -> None:
        world = self._world
        self._ticked_at = world.now()
        dice = 1.0 if world.calm else world.random.random()
        if dice < 0.02:
            world.happened("tick_skipped")
            return
        if dice < 0.04:
            world.happened("tick_doubled")
        for _ in range(2 if dice < 0.04 else 1):
            self._try(lambda: intake.tick(world.plane))

    def _daily(self) -> None:
        world = self._world
        world.later(timedelta(days=1), self._daily)
        fired = world.random.choice((0, 1, 1, 1, 1, 2))
        if fired != 1:
            world.happened("daily_doubled" if fired else "daily_skipped")
        for _ in range(fired):
            self._try(lambda: intake.wake_all(world.plane, "daily_training"))

    def _image(self) -> None:
        if not self._world.calm:
            self._world.publish_image()
            self._world.later(self._some_days(50), self._image)

    def _outage(self) -> None:
        """One port answers nobody for some minutes or hours, or none does, for several slots."""
        world = self._world
        if world.calm:
            return
        ports: tuple[str, ...] = (world.random.choice(PORTS),)
        lasts = timedelta(minutes=world.random.choice((3, 20, 180)))
        if world.random.random() < 0.3:
            ports, lasts = PORTS, timedelta(hours=9)
        # Both queues are one service's.
        out = (*ports, "notices") if "queue" in ports else ports
        world.faults.outages = dict.fromkeys(out, world.now() + lasts)
        world.note(f"outage of {', '.join(ports)} for {lasts}")
        # One at a time, and between two of them there is time to look at what is due.
        world.later(max(self._some_days(15), lasts + timedelta(hours=12)), self._outage)

    def _deafness(self) -> None:
        """No event arrives for days."""
        world = self._world
        world.events.deaf_until = world.now() + timedelta(days=world.random.uniform(1, 5))
        world.note(f"no event arrives until {world.events.deaf_until}")
        world.later(self._some_days(25), self._deafness)

    def _try(self, what: object) -> None:
        assert callable(what)
        try:
            what()
        except (Exception, CrashError) as error:
            if not survivable(error):
                raise

    def _receive(self) -> None:
        received = self._world.queue.receive()
        if received is None:
            return
        message, deliveries = received
        world = self._world
        if not world.calm and world.random.random() < 0.005:
            world.happened("message_doubled")
            world.queue.give_back(message, 0, world.random.uniform(0, 90))
        if not self._take(message):
            delay = world.random.choice((1, 30))
            world.queue.give_back(message, deliveries, delay)

    def _take(self, message: Message) -> bool:
        """One delivery; False when it raised what the platform survives."""
        world = self._world
        self.result.reconciles += 1
        self._passed = message.model
        delivered = world.checker.began(message)
        try:
            intake.take(world.plane, _text(message))
        except (Exception, CrashError) as error:
            if not survivable(error):
                raise
            world.note(f"{message.model} {message.cause!r} raised {error!r}")
            if isinstance(error, CrashError):
                world.start_process()
            world.checker.ended(delivered, raised=True)
            return False
        world.checker.ended(delivered, raised=False)
        world.checker.look(message.model)
        world.checker.look_at_landings()
        return True

    def _meanwhile(self) -> None:
        """Another worker passes for the same model while this one waits."""
        passes = self._world.checker.passes
        if len(passes) == 1 and self._world.random.random() < 0.7:
            cause = self._world.random.choice((TICK, "landing again"))
            self._take(Message(passes[0].message.model, cause))

    def _settle(self) -> None:
        """No faults any more, time goes on: everything comes to an end."""
        world = self._world
        world.calm, world.faults.rate, world.faults.outages = True, 0.0, {}
        world.note("the faults end")
        for model in world.specs:
            world.order(model, Verb.RESUME)
        restless = set(world.specs)
        while restless and self._step(self._end + SETTLED_WITHIN):
            # Each is looked at whenever a pass has looked at it.
            if self._passed in restless and not self._unsettled(self._passed):
                restless.remove(self._passed)
        if restless:
            model = min(restless)
            raise ViolationError("settles", f"{model}: {self._unsettled(model)}")

    def _unsettled(self, model: str) -> str:
        """What is still under way, in words; "" when all is at rest."""
        world = self._world
        snapshot = world.states.load(model)
        state, endpoint = snapshot.state, world.endpoint(model)
        if state is None or snapshot.rows:
            return f"rows wait: {snapshot.rows}"
        if state.training or (state.rollout and not state.rollout.phase.ended) or state.warm:
            return f"{state.training}, {state.rollout}, {state.warm}"
        if any(owner == model for owner, _ in world.checker.landed.values()):
            return "landings wait"
        adopts = world.specs[model].rollout.hand_changed == "adopt"
        container = world.container(model)
        if container is not None:
            return _unsettled_pointers(state, container, adopts=adopts)
        if endpoint is None:
            return "" if state.champion is None else "the endpoint is gone"
        name = state.champion.deployment if state.champion else ""
        wished = {name: 100} if name else {}
        if adopts and name in endpoint.deployments:
            # What somebody set by hand stays, and so does what has callers by it.
            wished = {name: 0, **endpoint.traffic}
        if live(endpoint.traffic) != live(wished) or set(endpoint.deployments) != set(wished):
            return f"{set(endpoint.deployments)} with {endpoint.traffic}, champion {name!r}"
        return ""


def _unsettled_pointers(state: ModelState, container: ContainerFacts, *, adopts: bool) -> str:
    """What the pointers of a container at rest should not be, in words."""
    if container.challenger is not None:
        return f"{container.challenger} is still a challenger"
    wished = state.champion.version.number if state.champion else None
    named = container.champion.version if container.champion else None
    if named != wished and not adopts:
        return f"champion.json names {named}, the champion is {wished}"
    return ""


_text = lru_cache(message_text)  # Most messages are the tick's.


def _line(at: datetime, what: object) -> str:
    """A line of the trace."""
    if isinstance(what, Decision):
        reasons = "; ".join(reason.text for reason in what.reasons)
        orders = f" -> {', '.join(what.actions)}" if what.actions else ""
        outcome = "" if what.outcome == "done" else f" [{what.outcome}]"
        what = f"{what.model} {what.cause!r}: {what.kind.value}: {reasons}{orders}{outcome}"
    return f"{at:%m-%d %H:%M:%S}  {what}"
