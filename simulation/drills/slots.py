"""Drills of the schedule: noon missed, noon twice, daylight saving, a schedule that changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

from shared.application import intake
from shared.domain.facts import JobStatus
from simulation.drills.drill import Drill, Found
from simulation.drills.happenings import land
from simulation.drills.world import NOON, World, drilled_model, new_world

DAYS = timedelta(days=1)
DAILY = "0 12 * * *"
WEEKLY = "0 12 * * 1"


def _quiet(name: str = "flights", **retraining: object) -> World:
    """A world at eleven in which one file has landed and was trained on."""
    world = new_world(drilled_model(name, **retraining), now=NOON - timedelta(hours=3))
    land(world, "a.csv", model=name)
    _let_pass(world, 2)
    return world


def _let_pass(world: World, hours: float, step: float = 1) -> None:
    """Time passes; whatever job runs ends within a minute, unjudged."""
    for _ in range(round(hours * 60 / step)):
        world.go_on(step, step=step)
        for training in world.jobs.running:
            world.jobs.finish(training.job, JobStatus.CANCELED)


def _slots(world: World) -> list[str]:
    """The slots that got a job, each with the time of day at which it did."""
    return [
        f"{training.slot}@{training.planned_at:%dT%H:%MZ}"
        for training in world.jobs.submitted.values()
        if training.slot
    ]


def _missed(hours: float, schedule: str, *codes: str) -> Found:
    """Nothing runs from before noon until so many hours after."""
    world = _quiet(schedule=schedule)
    world.clock.advance(timedelta(hours=1 + hours))
    intake.tick(world.plane)
    world.work_off()
    _let_pass(world, 2)
    said = [code for code in codes if code in world.codes()]
    got = ", ".join(_slots(world)) or "no job"
    return Found(got + (f": {', '.join(said)}" if said else ""), _last_words(world))


def _last_words(world: World) -> str:
    slots = [
        reason.text
        for decision in world.decisions.decisions
        for reason in decision.reasons
        if reason.code.startswith("slot")
    ]
    return slots[-1] if slots else "no slot was due"


def _twice() -> Found:
    """The timer fires twice, and once more as past due."""
    world = _quiet()
    world.clock.advance(timedelta(hours=1))
    for _ in range(3):
        intake.wake_all(world.plane, "timer daily_training")
        world.work_off()
    _let_pass(world, 1)
    intake.wake_all(world.plane, "timer daily_training")
    world.work_off()
    return Found(", ".join(_slots(world)), _last_words(world))


def _local_noon(zone: str, day: date, schedule: str = DAILY) -> Found:
    """The day on which clocks change, and its neighbours."""
    start = datetime.combine(day, time(), UTC) - 2 * DAYS
    world = new_world(drilled_model(schedule=schedule, time_zone=zone), now=start)
    land(world, "a.csv")
    _let_pass(world, 24 * 4, step=5)
    around = {f"{day + each * DAYS:%Y%m%d}" for each in (-1, 0, 1)}
    seen = [slot for slot in _slots(world) if slot.partition("t")[0] in around]
    return Found(", ".join(seen), f"{schedule} in {zone}")


def _changed(hour: float, schedule: str) -> Found:
    """The schedule was noon and becomes another one at this hour of the day."""
    world = _quiet()
    _let_pass(world, hour - 11)
    changed = {"flights": drilled_model(schedule=schedule)}
    world.plane = replace(world.plane, models=changed)
    _let_pass(world, 23 - hour)
    return Found(", ".join(_slots(world)) or "no job", f"noon became {schedule} at {hour:.0f}:00")


def _days(day: date, *instants: str, at: str = "1200") -> str:
    """What is expected: one slot a day, at these instants."""
    days = [day + each * DAYS for each in (-1, 0, 1)]
    named = [f"{each:%Y%m%d}t{at}@" for each in days]
    return ", ".join(name + instant for name, instant in zip(named, instants, strict=True))


SPRING_NEW_YORK, AUTUMN_NEW_YORK = date(2026, 3, 8), date(2026, 11, 1)
SPRING_BERLIN, AUTUMN_BERLIN = date(2026, 3, 29), date(2026, 10, 25)
SPRING_SYDNEY, AUTUMN_SYDNEY = date(2026, 10, 4), date(2026, 4, 5)

ZONES: Sequence[tuple[str, str, date, tuple[str, ...], tuple[str, ...]]] = (
    (
        "spring",
        "America/New_York",
        SPRING_NEW_YORK,
        ("07T17:00Z", "08T16:00Z", "09T16:00Z"),
        ("07T07:30Z", "08T07:00Z", "09T06:30Z"),
    ),
    (
        "autumn",
        "America/New_York",
        AUTUMN_NEW_YORK,
        ("31T16:00Z", "01T17:00Z", "02T17:00Z"),
        ("31T06:30Z", "01T07:30Z", "02T07:30Z"),
    ),
    (
        "spring",
        "Europe/Berlin",
        SPRING_BERLIN,
        ("28T11:00Z", "29T10:00Z", "30T10:00Z"),
        ("28T01:30Z", "29T01:00Z", "30T00:30Z"),
    ),
    (
        "autumn",
        "Europe/Berlin",
        AUTUMN_BERLIN,
        ("24T10:00Z", "25T11:00Z", "26T11:00Z"),
        ("24T00:30Z", "25T00:30Z", "26T01:30Z"),
    ),
    (
        "spring",
        "Australia/Sydney",
        SPRING_SYDNEY,
        ("03T02:00Z", "04T01:00Z", "05T01:00Z"),
        ("02T16:30Z", "03T16:00Z", "04T15:30Z"),
    ),
    (
        "autumn",
        "Australia/Sydney",
        AUTUMN_SYDNEY,
        ("04T01:00Z", "05T02:00Z", "06T02:00Z"),
        ("03T15:30Z", "04T15:30Z", "05T16:30Z"),
    ),
)
"""Season, zone, day, the instants of local noon, and those of half past two on these days.

Half past two does not exist on a day in spring, then the next instant that does counts; and in
Berlin and Sydney it exists twice on a day in autumn, then the first counts.
"""

DRILLS = (
    Drill("noon", "20261123t1200@23T12:00Z", partial(_missed, 0, DAILY)),
    Drill("noon missed, caught up", "20261123t1200@23T15:00Z", partial(_missed, 3, DAILY)),
    Drill(
        "noon missed twice: the newer one is caught up",
        "20261124t1200@24T13:00Z",
        partial(_missed, 25, DAILY),
    ),
    Drill(
        "noon of a weekly schedule missed for more than a day",
        "no job: slot_skipped",
        partial(_missed, 25, WEEKLY, "slot_skipped"),
    ),
    Drill("noon fired twice", "20261123t1200@23T12:00Z", _twice),
    *(
        Drill(f"noon in {zone}, {season}", _days(day, *noons), partial(_local_noon, zone, day))
        for season, zone, day, noons, _ in ZONES
    ),
    *(
        Drill(
            f"02:30 in {zone}, {season}",
            _days(day, *nights, at="0230"),
            partial(_local_noon, zone, day, "30 2 * * *"),
        )
        for season, zone, day, _, nights in ZONES
    ),
    Drill(
        "schedule moved from noon to three, at one",
        "20261123t1200@23T12:00Z, 20261123t1500@23T15:00Z",
        partial(_changed, 13, "0 15 * * *"),
    ),
    Drill(
        "schedule moved from noon to ten, at one: today is not run again",
        "20261123t1200@23T12:00Z",
        partial(_changed, 13, "0 10 * * *"),
    ),
    Drill(
        "schedule moved from noon to three, at eleven",
        "20261123t1500@23T15:00Z",
        partial(_changed, 11, "0 15 * * *"),
    ),
    Drill(
        "schedule moved from noon to ten, at eleven: ten had passed before it was meant",
        "no job",
        partial(_changed, 11, "0 10 * * *"),
    ),
)
