"""`noon status`: the fleet, once or for as long as somebody looks."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.live import Live

from noon.choices import Only, Sort
from noon.client import AppClient, Polled, find_app, find_page
from noon.failures import ExitCode, UsageError
from noon.fleet import chosen
from noon.fleet_view import ONE_BY_ONE, Shown, in_full, moment, table
from noon.patience import Lost
from noon.show import WIDTH

PATH = "/api/models"
Picture = Callable[[list[dict[str, Any]], str], Shown]


def run_status(
    patterns: Sequence[str],
    only: Sequence[Only],
    sort: Sort,
    *,
    watch: bool,
    seconds: float,
    as_json: bool,
) -> int:
    """Show the models that are asked for."""
    polled = Polled(find_app(), PATH)

    def picture(models: list[dict[str, Any]], note: str = "") -> Shown:
        return Shown(chosen(models, patterns, only, sort), len(models), moment(), note)

    document, _ = polled.read()
    models = document["models"]
    shown = picture(models)
    if patterns and not shown.models and not only:
        known = ", ".join(model["name"] for model in models) or "none"
        raise UsageError(f"no model is called {' or '.join(patterns)}; there are: {known}")
    if not watch:
        _tell(shown, as_json=as_json)
        if len(shown.models) <= ONE_BY_ONE and not as_json:
            _tell_in_full(polled.app, shown)
        if (page := find_page()) and not as_json:
            print(f"\nWeb UI  {page}")
        return ExitCode.OK
    return _watch(polled, picture, Lost(seconds, document), as_json=as_json)


def _watch(polled: Polled, picture: Picture, lost: Lost, *, as_json: bool) -> int:
    """Show every change until the user has seen enough; unchanged, the app sends no body."""
    document, changed = lost.last, True
    try:
        with _drawn(as_json=as_json) as draw:
            while True:
                draw(picture(document["models"], lost.note), changed)
                time.sleep(lost.pause_seconds)
                document, changed = lost.read(polled)
    except KeyboardInterrupt:
        return ExitCode.OK


@contextmanager
def _drawn(*, as_json: bool) -> Iterator[Callable[[Shown, bool], None]]:
    """Redraw on a terminal; elsewhere tell what changed."""
    if not sys.stdout.isatty() or as_json:
        yield lambda shown, changed: _tell(shown, as_json=as_json) if changed else None
        return
    console = Console(highlight=False)
    with Live(console=console, screen=True, auto_refresh=False) as live:

        def draw(shown: Shown, _: bool) -> None:
            size = shutil.get_terminal_size()
            live.update(table(shown, size.columns, size.lines), refresh=True)

        yield draw


def _tell(shown: Shown, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"models": shown.models}, ensure_ascii=False), flush=True)
        return
    console = _console()
    console.print(table(shown, console.width))
    sys.stdout.flush()


def _tell_in_full(app: AppClient, shown: Shown) -> None:
    """What is left out of a table: of few models there is room for it."""
    console = _console()
    models = [app.model(model["name"]) for model in shown.models]
    for line in in_full(models, shown.now):
        console.print(line)


def _console() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
