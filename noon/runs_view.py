"""Shows to people what asked for trainings, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from noon.choices import Part
from noon.fleet_view import local, span
from noon.show import clock

STYLES = {
    "trained": "green",
    "completed": "green",
    "caught_up": "yellow",
    "waiting": "yellow",
    "running": "cyan",
    "skipped": "red",
    "missed": "red",
    "failed": "red",
    "canceled": "red",
    "given_up": "red",
    "data_refused": "red",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened."""

    at: str
    part: Part
    what: str
    state: str
    text: str


def lines_of(runs: dict[str, Any], now: datetime, parts: tuple[Part, ...]) -> list[Line]:
    """The newest first; a slot that was given a job stands beside it."""
    found = [line for line in _all(runs, now) if line.part in parts]
    return sorted(found, key=lambda line: (line.at, line.part), reverse=True)


def time_line(lines: list[Line]) -> Table:
    """The lines as a table."""
    grid = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("when", "what", "state", ""):
        grid.add_column(name, no_wrap=name != "")
    for line in lines:
        state = Text(line.state.replace("_", " "), STYLES.get(line.state, ""))
        grid.add_row(Text(clock(line.at), "dim"), Text(line.what), state, Text(line.text))
    return grid


def _all(runs: dict[str, Any], now: datetime) -> Iterator[Line]:
    for slot in runs["slots"]:
        yield Line(slot["due_at"], Part.SLOTS, f"slot {local(slot['key'])}", *_slot(slot))
    for missed in runs["slots_missed"]:
        text = f"{missed['count']} slots, {missed['first']} to {missed['last']}, were overtaken"
        due_at = f"{missed['last'][:4]}-{missed['last'][4:6]}-{missed['last'][6:8]}T00:00:00+00:00"
        yield Line(due_at, Part.SLOTS, f"slots to {local(missed['last'])}", "missed", text)
    for landing in runs["landings"]:
        yield Line(landing["at"], Part.LANDINGS, "landing", "", _landing(landing))
    for job in runs["jobs"]:
        at = job["planned_at"] or job["ended_at"]
        if at:
            yield Line(at, Part.JOBS, f"job {job['job']}", job["state"], _job(job, now))


def _slot(slot: dict[str, Any]) -> tuple[str, str]:
    late = slot["late_seconds"]
    told = [f"job {slot['job']}"] if slot["job"] else []
    told += [str(slot["why"])] if slot["why"] else []
    told += [f"{late / 60:.0f} min late"] if late and slot["state"] == "caught_up" else []
    return str(slot["state"]), ", ".join(told)


def _landing(landing: dict[str, Any]) -> str:
    minutes = landing["minutes"]
    return f"what landed in {minutes} minute{'s' if minutes > 1 else ''} was taken in"


def _job(job: dict[str, Any], now: datetime) -> str:
    told = [f"{job['cause']}, attempt {job['attempt']}"]
    if job["duration_seconds"] is not None:
        told.append(f"took {job['duration_seconds'] / 60:.1f} min")
    elif job["state"] == "running" and job["planned_at"]:
        told.append(f"for {span(job['planned_at'], now)}")
    if job["files"] is not None:
        told.append(f"{job['files']} files")
    if job["verdict"]:
        version = f" as version {job['version']}" if job["version"] is not None else ""
        told.append(f"verdict {job['verdict']}{version}")
    told += [reason["text"] for reason in job["reasons"]]
    return ", ".join(told)
