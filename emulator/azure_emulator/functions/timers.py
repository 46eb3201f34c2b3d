"""Fires timers, remembering in the home folder when each one last ran."""

import asyncio
import json
import logging
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from azure.functions import meta

from azure_emulator.functions.invocation import FunctionError, Invoker
from azure_emulator.functions.loading import LoadedFunction
from azure_emulator.functions.schedule import Schedule

LOG = logging.getLogger("host.timers")
# Wall clocks jump (sleep, NTP): never trust one long wait.
_WAIT_SECONDS_MAX = 5.0
_MONITORED_FROM = timedelta(minutes=1)


@dataclass(frozen=True)
class TimerStatus:
    """When a timer last ran and is next due."""

    schedule: str
    last_at: datetime | None
    next_at: datetime
    updated_at: datetime


class StatusFile:
    """The durable status of one timer."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> TimerStatus | None:
        """Return the status, or None when the timer has never been seen."""
        if not self._path.exists():
            return None
        stored = json.loads(self._path.read_text(encoding="utf-8"))
        return TimerStatus(
            schedule=stored["schedule"],
            last_at=datetime.fromisoformat(stored["last_at"]) if stored["last_at"] else None,
            next_at=datetime.fromisoformat(stored["next_at"]),
            updated_at=datetime.fromisoformat(stored["updated_at"]),
        )

    def write(self, status: TimerStatus) -> None:
        """Keep a status, replacing the one before it in one step."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps(asdict(status), default=_iso), encoding="utf-8")
        temporary.replace(self._path)


def check_past_due(
    stored: TimerStatus | None, schedule: Schedule, now: datetime
) -> tuple[TimerStatus, bool]:
    """Return the status to go on with, and whether a run was missed while no host was up."""
    fresh = TimerStatus(schedule.text, None, schedule.next_after(now), now)
    if stored is None:
        return fresh, False
    if stored.schedule != schedule.text:
        # The host goes by the new schedule from the last run on.
        next_at = schedule.next_after(stored.last_at or stored.updated_at)
        stored = TimerStatus(schedule.text, stored.last_at, next_at, now)
    return stored, now > stored.next_at


class Timer:
    """One timer function: waits, runs, waits again; never two runs at once."""

    def __init__(
        self, function: LoadedFunction, schedule: Schedule, invoker: Invoker, file: StatusFile
    ) -> None:
        self.function = function
        self._schedule = schedule
        self._invoker = invoker
        self._file = file

    async def run(self) -> None:
        """Fire for ever; cancelling it leaves a run that has begun to itself."""
        now = datetime.now(UTC)
        monitored = self._is_monitored(now)
        status, past_due = check_past_due(
            self._file.read() if monitored else None, self._schedule, now
        )
        self._save(status, monitored)
        at_once = past_due or bool(self.function.trigger.get("runOnStartup"))
        while True:
            if not at_once:
                await _sleep_until(status.next_at)
            status = await asyncio.shield(
                asyncio.ensure_future(self._fire(status, past_due, monitored))
            )
            at_once = past_due = False

    async def fire_now(self) -> None:
        """Run the function outside its schedule, as the admin call does."""
        await self._invoke(None, past_due=False)

    async def _fire(self, status: TimerStatus, past_due: bool, monitored: bool) -> TimerStatus:
        try:
            await self._invoke(status, past_due)
        except FunctionError:
            LOG.info("Timer %s failed; the next run is its next slot", self.function.name)
        now = datetime.now(UTC)
        after = TimerStatus(self._schedule.text, now, self._schedule.next_after(now), now)
        self._save(after, monitored)
        return after

    async def _invoke(self, status: TimerStatus | None, past_due: bool) -> None:
        info: dict[str, Any] = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": None,
            "IsPastDue": past_due,
        }
        if status is not None:
            info["ScheduleStatus"] = {
                "Last": _iso(status.last_at) if status.last_at else "0001-01-01T00:00:00",
                "Next": _iso(status.next_at),
                "LastUpdated": _iso(status.updated_at),
            }
        reason = f"Timer fired at {_iso(datetime.now(UTC))}{' (past due)' if past_due else ''}"
        await self._invoker.invoke(
            self.function, meta.Datum(json.dumps(info), "json"), reason=reason
        )

    def _is_monitored(self, now: datetime) -> bool:
        if self.function.trigger.get("useMonitor") is False:
            return False
        # Like the host: what runs more than once a minute is not worth remembering.
        first = self._schedule.next_after(now)
        return self._schedule.next_after(first) - first >= _MONITORED_FROM

    def _save(self, status: TimerStatus, monitored: bool) -> None:
        if monitored:
            self._file.write(status)


async def _sleep_until(moment: datetime) -> None:
    while (seconds := (moment - datetime.now(UTC)).total_seconds()) > 0:
        await asyncio.sleep(min(seconds, _WAIT_SECONDS_MAX))


def _iso(moment: datetime) -> str:
    return moment.isoformat()
