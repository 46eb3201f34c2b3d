"""Drills of what starts a training: events, slots, and jobs that end badly or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from shared.application import intake
from shared.application.plane import NOBODY
from shared.domain.events import Message
from shared.domain.facts import JobStatus
from simulation.drills.drill import Drill, Found
from simulation.drills.happenings import (
    blob_event,
    complete,
    first_champion,
    interval,
    land,
    run_event,
    running,
)
from simulation.drills.slots import DRILLS as SLOT_DRILLS
from simulation.drills.world import MODEL, NOON, World, new_world

BURST = 10_000
UNREMARKABLE: dict[str, Any] = {"versus_baseline": interval(0.0, -0.01, 0.01)}
"""Metrics of a model that nobody wants: the training ends, and nothing follows."""


def _jobs(world: World, note: str = "", *codes: str) -> Found:
    """How many jobs there were, with how many files each."""
    jobs = list(world.jobs.submitted.values())
    sizes = " + ".join(str(job.manifest.files) for job in jobs)
    words = f"{len(jobs)} job{'' if len(jobs) == 1 else 's'}, {sizes or 'no'} files{note}"
    said = [code for code in codes if code in world.codes() + world.codes(NOBODY)]
    because = "; ".join(f"{job.job}: {job.because}" for job in jobs)
    return Found(words + (f": {', '.join(said)}" if said else ""), because)


def _landed(plant: Callable[[World], None], minutes: int = 90) -> Found:
    """Something happens to the events of three files; all must be trained on once."""
    world = new_world(now=NOON + timedelta(minutes=10))
    plant(world)
    for _ in range(minutes):
        world.go_on(1)
        if world.jobs.running:
            complete(world, **UNREMARKABLE)
    unread = world.queue.waiting
    return Found("messages were left", str(unread)) if unread else _jobs(world)


NAMES = ("a.csv", "b.csv", "c.csv")


def _in_order(world: World) -> None:
    land(world, *NAMES)


def _doubled(world: World) -> None:
    land(world, *NAMES)
    for name in NAMES * 3:
        intake.receive(world.plane, blob_event(f"{MODEL}/{name}"))


def _reordered(world: World) -> None:
    land(world, *NAMES, event=False)
    for name in reversed(NAMES):
        world.go_on(1)
        intake.receive(world.plane, blob_event(f"{MODEL}/{name}"))


def _late(world: World) -> None:
    """Each event comes again half an hour after its file, when the job is over."""
    land(world, *NAMES)
    world.go_on(5)
    complete(world, **UNREMARKABLE)
    world.go_on(75)
    for name in NAMES:
        intake.receive(world.plane, blob_event(f"{MODEL}/{name}"))


def _lost(world: World) -> None:
    land(world, *NAMES, event=False)


def _one_of_them_lost(world: World) -> None:
    land(world, *NAMES[:2], event=False)
    land(world, NAMES[2])


def _burst() -> Found:
    """Ten thousand files within a minute of receipt."""
    world = new_world(now=NOON + timedelta(minutes=10))
    for number in range(BURST):
        land(world, f"{number:05}.csv")
    messages = len(world.queue.waiting)
    world.go_on(30)
    found = _jobs(world)
    return Found(f"{found.got}, {messages} message", found.reason)


def _burst_for_an_hour() -> Found:
    """Files that never stop coming do not put a training off for ever."""
    world = new_world(now=NOON + timedelta(minutes=10))
    for minute in range(60):
        land(world, f"{minute:02}.csv")
        world.go_on(1)
        if world.jobs.running:
            break
    waited = (world.clock.now() - NOON).total_seconds() / 60 - 10
    return Found(f"trains after {waited:.0f} minutes", world.at().last_refusal)


def _while_running() -> Found:
    """A file lands while a job runs: another job follows, never two at once."""
    world = new_world(now=NOON + timedelta(minutes=10))
    land(world, *NAMES)
    world.go_on(5)
    most = len(world.jobs.running)
    land(world, "d.csv")
    for _ in range(30):
        world.go_on(1)
        most = max(most, len(world.jobs.running))
    complete(world, **UNREMARKABLE)
    for _ in range(90):
        world.go_on(1)
        most = max(most, len(world.jobs.running))
    return _jobs(world, f", {most} at once")


def _ends(status: JobStatus, times: int) -> Found:
    """The job ends badly, and so does every attempt after it."""
    world = new_world(now=NOON + timedelta(minutes=10))
    land(world, *NAMES)
    world.go_on(5)
    for _ in range(times):
        if world.jobs.running:
            training = running(world)
            world.jobs.finish(training.job, status, "out of memory")
            intake.receive(world.plane, run_event(training.job, status.value.capitalize()))
            world.go_on(5)
    names = ", ".join(job.rpartition("-")[2] for job in world.jobs.submitted)
    word = "given up" if world.at().training is None else "under way"
    return Found(f"{word} after {names}", world.at().last_refusal)


def _stuck() -> Found:
    """A job that does not end is cancelled after its time, and the next noon trains again."""
    world = new_world(now=NOON + timedelta(minutes=10))
    land(world, *NAMES)
    world.go_on(5)
    world.go_on(6 * 60 + 30)
    reason = world.at().last_refusal
    running_still = len(world.jobs.running)
    world.go_on(18 * 60)
    word = "still runs" if running_still else "cancelled"
    slots = [name for name in world.jobs.submitted if "-slot-" in name]
    then = "the next noon trains" if slots else "no noon trains any more"
    return Found(f"{word}, {then}" + (": too_long" if "too_long" in world.codes() else ""), reason)


def _child_run() -> Found:
    """Events for the steps of our job wake nobody."""
    world = new_world(now=NOON + timedelta(minutes=10))
    land(world, *NAMES)
    world.go_on(5)
    for run in ("5b1f7d3e-0f2a-4c7e-9d43-0f6a0f2b8a11", "AutoML_1234_7", "weather-slot-1-a1"):
        intake.receive(world.plane, run_event(run))
    woken = len(world.queue.waiting)
    ignored = world.codes(NOBODY).count("child")
    return Found(
        f"{ignored} ignored, {woken} woken", world.decisions.decisions[-1].reasons[-1].text
    )


def _completion(events: Sequence[str]) -> Found:
    """The job ends, and its event is lost, doubled or comes before the job shows it."""
    world = new_world(now=NOON + timedelta(minutes=10))
    land(world, *NAMES)
    world.go_on(5)
    job = running(world).job
    if "early" in events:
        intake.receive(world.plane, run_event(job))
        world.work_off()
    complete(world, event=False)
    for _ in range(events.count("event")):
        intake.receive(world.plane, run_event(job))
    world.go_on(5)
    champion = world.champion()
    return Found(f"version {champion} rules, {world.at().last_version} given out", job)


def _two_workers() -> Found:
    """Two messages at once: the second finds the model busy and comes again later."""
    world = first_champion(new_world(now=NOON + timedelta(minutes=10)))
    world.clock.advance(timedelta(hours=2))
    land(world, *NAMES)
    with world.lease.hold(MODEL):
        world.queue.send(Message(MODEL, "run x Completed"))
        world.work_off()
    copies = len(world.queue.waiting)
    world.go_on(10)
    jobs = [job.because for job in world.jobs.running]
    return Found(f"{copies} copies, {len(jobs)} job", "; ".join(jobs))


ONCE = "1 job, 3 files"

DRILLS = (
    Drill("events in order", ONCE, partial(_landed, _in_order)),
    Drill("events doubled", ONCE, partial(_landed, _doubled)),
    Drill("events reordered", ONCE, partial(_landed, _reordered)),
    Drill("events late, after their job", ONCE, partial(_landed, _late)),
    Drill("all events lost", ONCE, partial(_landed, _lost)),
    Drill("some events lost", ONCE, partial(_landed, _one_of_them_lost)),
    Drill("10,000 landings in a minute", f"1 job, {BURST} files, 1 message", _burst),
    # A minute's bucket and the longest wait of fifteen.
    Drill("landings that never stop", "trains after 16 minutes", _burst_for_an_hour),
    Drill("landing during a running job", "2 jobs, 3 + 4 files, 1 at once", _while_running),
    *SLOT_DRILLS,
    Drill(
        "job failed, then succeeds", "under way after a1, a2", partial(_ends, JobStatus.FAILED, 1)
    ),
    Drill("job failed every time", "given up after a1, a2", partial(_ends, JobStatus.FAILED, 5)),
    Drill("job cancelled", "given up after a1", partial(_ends, JobStatus.CANCELED, 5)),
    Drill("job stuck beyond its time limit", "cancelled, the next noon trains: too_long", _stuck),
    Drill("events for child and foreign runs", "3 ignored, 0 woken", _child_run),
    Drill(
        "completion event lost: the tick finds it",
        "version 1 rules, 1 given out",
        partial(_completion, ()),
    ),
    Drill(
        "completion event doubled",
        "version 1 rules, 1 given out",
        partial(_completion, ("event", "event")),
    ),
    Drill(
        "completion event before the job shows it",
        "version 1 rules, 1 given out",
        partial(_completion, ("early",)),
    ),
    Drill("two workers at once", "2 copies, 1 job", _two_workers),
)
