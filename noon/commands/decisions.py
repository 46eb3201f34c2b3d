"""`noon decisions`: what was decided, and why, once or for as long as somebody looks."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from noon.client import AppClient, Polled, find_app
from noon.commands.fleet import PATH
from noon.failures import ExitCode
from noon.fleet_view import moment
from noon.patience import Lost
from noon.show import WIDTH, decision_line
from noon.since import instant

AT_ONCE = 8
PAGE = 200
STYLES = {"refused": "red", "failed": "bold red", "acted": "green"}

Decision = dict[str, Any]


def run_decisions(
    model: str | None,
    since: str | None,
    kinds: Sequence[str],
    most: int,
    *,
    follow: bool,
    seconds: float,
    as_json: bool,
) -> int:
    """Show decisions, the newest last, as a log is read."""
    app = find_app()
    begin = instant(since, moment()) if since else None
    log = Log(app, ",".join(kinds))
    names = [model] if model else [each["name"] for each in app.fleet()]
    found = log.newest(names, begin, most)
    show = _Shown(named=model is None, as_json=as_json)
    show.add(found)
    if not follow:
        show.end(empty=not found)
        return ExitCode.OK
    with suppress(KeyboardInterrupt):
        _follow(app, log, model, seconds, show)
    return ExitCode.OK


class Log:
    """The decision logs of some models, read on from where they were read to."""

    def __init__(self, app: AppClient, kinds: str) -> None:
        self._app = app
        self._kinds = kinds
        self._read_to: dict[str, str] = {}

    def newest(self, names: Sequence[str], begin: datetime | None, most: int) -> list[Decision]:
        """The newest of all models together, oldest first, none from before `begin`."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            parts = list(pool.map(lambda name: self._last(name, begin, most), names))
        read = (each for part in parts for each in reversed(part))
        found = sorted(read, key=lambda each: each["at"])
        return found[-most:]

    def news(self, name: str) -> list[Decision]:
        """What came since the model's log was read, oldest first."""
        found: list[Decision] = []
        before = ""
        while True:
            page = self._page(name, since=self._read_to.get(name, ""), before=before)
            found += page["decisions"]
            if not before:
                newest = page["newest"] or self._read_to.get(name, "")
            before = page["older"] or ""
            if not before or not self._read_to.get(name):
                self._read_to[name] = newest
                return found[::-1]

    def _last(self, name: str, begin: datetime | None, most: int) -> list[Decision]:
        since = begin.isoformat() if begin else ""
        page = self._page(name, since=since)
        self._read_to[name] = page["newest"] or since
        found: list[Decision] = list(page["decisions"])
        while page["older"] and len(found) < most:
            page = self._page(name, since=since, before=page["older"])
            found += page["decisions"]
        return found[:most]

    def _page(self, name: str, since: str = "", before: str = "") -> dict[str, Any]:
        kind, known = self._kinds, self._app.known
        return known(name, "decisions", since=since, before=before, kind=kind, limit=PAGE)


def _follow(app: AppClient, log: Log, model: str | None, seconds: float, show: _Shown) -> None:
    """Ask for the fleet from time to time, and for the logs of those that have a new decision."""
    polled = Polled(app, PATH)
    document, changed = polled.read()
    lost = Lost(seconds, document)
    known: dict[str, str | None] = {}
    while True:
        if model:
            show.add(log.news(model))
        elif changed:
            for each in document["models"]:
                newest = (each["decision"] or {}).get("id")
                if known.get(each["name"], "") != newest:
                    show.add(log.news(each["name"]))
                known[each["name"]] = newest
        time.sleep(lost.pause_seconds)
        document, changed = lost.read(polled)


class _Shown:
    """Prints decisions as lines."""

    def __init__(self, *, named: bool, as_json: bool) -> None:
        self._named = named
        self._as_json = as_json
        self._console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)

    def add(self, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            if self._as_json:
                print(json.dumps(decision, ensure_ascii=False), flush=True)
                continue
            name = f"{decision['model']} " if self._named else ""
            line = Text(f"{name}{decision_line(decision)}", STYLES.get(decision["kind"], ""))
            for action in decision["actions"]:
                line.append(f"\n    ordered: {action}", "dim")
            self._console.print(line)
        sys.stdout.flush()

    def end(self, *, empty: bool) -> None:
        if empty and not self._as_json:
            self._console.print("no such decision: see --since and --kind")
