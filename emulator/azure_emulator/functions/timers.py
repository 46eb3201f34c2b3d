"""Fires timers, remembering in the app's storage when each one last ran."""

import asyncio
import json
import logging
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.functions import meta

from azure_emulator.functions.invocation import FunctionError, Invoker
from azure_emulator.functions.loading import LoadedFunction
from azure_emulator.functions.schedule import Schedule
from azure_emulator.functions.singleton import HostStorage, Singleton

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


class StatusBlob:
    """The durable status of one timer, in the storage that all hosts of the app share."""

    def __init__(self, storage: HostStorage, function: str) -> None:
        self._storage = storage
        self._name = f"{function}/status"

    async def read(self) -> TimerStatus | None:
        """Return the status, or None when the timer has never been seen."""
        text = await self._storage.io(self._download)
        if not text:
            return None
        stored = json.loads(text)
        return TimerStatus(
            schedule=stored["schedule"],
            last_at=datetime.fromisoformat(stored["last_at"]) if stored["last_at"] else None,
            next_at=datetime.fromisoformat(stored["next_at"]),
            updated_at=datetime.fromisoformat(stored["updated_at"]),
        )

    async def write(self, status: TimerStatus) -> None:
        """Keep a status."""
        text = json.dumps(asdict(status), default=_iso).encode()
        await self._storage.io(lambda: self._upload(text))

    def _download(self) -> bytes:
        try:
            return self._storage.blob("timers", self._name).download_blob().readall()
        except ResourceNotFoundError:
            return b""

    def _upload(self, text: bytes) -> None:
        self._storage.blob("timers", self._name).upload_blob(text, overwrite=True)


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
    """One timer function: waits, runs, waits again; never two runs at once, over all hosts."""

    def __init__(
        self,
        function: LoadedFunction,
        schedule: Schedule,
        invoker: Invoker,
        kept: StatusBlob,
        singleton: Singleton,
    ) -> None:
        self.function = function
        self._schedule = schedule
        self._invoker = invoker
        self._kept = kept
        self.singleton = singleton

    async def run(self) -> None:
        """Fire for ever, while this host is the one; a run that has begun is left to itself."""
        await self.singleton.run(self._fire_for_ever)

    async def _fire_for_ever(self) -> None:
        now = datetime.now(UTC)
        monitored = self._is_monitored(now)
        stored = await self._kept.read() if monitored else None
        status, past_due = check_past_due(stored, self._schedule, now)
        await self._save(status, monitored)
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
        await self._save(after, monitored)
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

    async def _save(self, status: TimerStatus, monitored: bool) -> None:
        if not monitored:
            return
        try:
            await self._kept.write(status)
        except AzureError as error:
            # The timer goes on; after a restart the run that is lost here comes past due.
            LOG.warning(
                "The status of %s is not kept: %s",
                self.function.name,
                str(error).partition("\n")[0],
            )


async def _sleep_until(moment: datetime) -> None:
    while (seconds := (moment - datetime.now(UTC)).total_seconds()) > 0:
        await asyncio.sleep(min(seconds, _WAIT_SECONDS_MAX))


def _iso(moment: datetime) -> str:
    return moment.isoformat()
