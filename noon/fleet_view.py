"""Shows a fleet of models to people, on terminals of every width."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from noon.fleet import Model, rolling
from noon.show import clock, decision_line, score_text

if TYPE_CHECKING:
    from rich.console import RenderableType

NARROW = 100
"""Columns of a terminal below which each model has lines instead of cells."""
WIDE = 150
ONE_BY_ONE = 3
"""So few models are told in full below the table."""
HEALTH = {
    "healthy": ("healthy", "green"),
    "failing": ("failing", "bold red"),
    "no_data": ("no callers", "dim"),
    "no_champion": ("no champion", "yellow"),
}
PHASES = {"succeeded": "green", "rolled_back": "red", "aborted": "yellow"}


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of a fleet, and when."""

    models: Sequence[Model]
    total: int
    now: datetime
    note: str = ""
    """Such as that the app does not answer any more."""


def table(shown: Shown, width: int, height: int | None = None) -> RenderableType:
    """The fleet as a picture so wide; with a height, what does not fit in is counted."""
    if not shown.total:
        return Text("no models: put a file into models/")
    narrow = width < NARROW
    lines = 2 if narrow else 1
    fit = len(shown.models) if height is None else max(1, (height - 4) // lines)
    models = shown.models[:fit]
    body = _lines(models, shown.now) if narrow else _cells(models, shown.now, width, height)
    return Group(body, Text(_footer(shown, len(models)), "dim"))


def in_full(models: Sequence[Model], now: datetime) -> Iterator[Text]:
    """All that the app tells of each model in full, in sentences."""
    for model in models:
        yield Text(f"\n{model['name']}", "bold")
        for name, text in _told(model, now):
            yield Text.assemble((f"  {name:<14}", "dim"), text)


Cell = Callable[[Model, datetime], Text]


def _cells(
    models: Sequence[Model], now: datetime, width: int, height: int | None
) -> RenderableType:
    columns = _WIDE if width >= WIDE else _MEDIUM
    grid = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", expand=height is not None)
    for name, _ in columns:
        last = name == columns[-1][0]
        # One line a model where the picture must fit in; elsewhere nothing is cut.
        grid.add_column(
            name,
            no_wrap=not last or height is not None,
            ratio=1 if last and height is not None else None,
            overflow="ellipsis",
        )
    for model in models:
        grid.add_row(*(cell(model, now) for _, cell in columns))
    return grid


def _lines(models: Sequence[Model], now: datetime) -> RenderableType:
    lines = []
    for model in models:
        first = [_name(model, now), _champion(model, now), _age(model, now), _health(model, now)]
        first.append(_work(model, now))
        shown = Text("  ").join(text for text in first if text.plain not in ("", "-"))
        lines += [shown, Text.assemble("  ", _next(model, now))]
    for line in lines:
        line.no_wrap, line.overflow = True, "ellipsis"
    return Group(*lines)


def _footer(shown: Shown, fit: int) -> str:
    told = f"{len(shown.models)} of {shown.total} models, {shown.now:%H:%M:%SZ}"
    if fit < len(shown.models):
        told += f"; {len(shown.models) - fit} do not fit in: --only, --model, --sort"
    return f"{told}; {shown.note}" if shown.note else told


def _name(model: Model, _: datetime) -> Text:
    return Text(model["name"], "bold")


def _champion(model: Model, _: datetime) -> Text:
    champion = model["champion"]
    return Text(champion["deployment"]) if champion else Text("-", "dim")


def _age(model: Model, now: datetime) -> Text:
    champion = model["champion"]
    return Text(span(champion["promoted_at"], now)) if champion else Text("-", "dim")


def _metric(model: Model, _: datetime) -> Text:
    if model["champion"] is None:
        return Text("-", "dim")
    score = model["champion"]["score"]
    return Text(f"{score['metric']} {score['value']:.4f}")


def _last_slot(model: Model, _: datetime) -> Text:
    if owed := model["slots"]["owed"]:
        return Text(f"owed {local(owed['key'])}", "yellow")
    last = model["slots"]["last"]
    return Text(local(last["key"])) if last else Text("-", "dim")


def _next_slot(model: Model, _: datetime) -> Text:
    slot = model["slots"]["next"]
    return Text(local(slot["key"])) if slot else Text("-", "dim")


def _training(model: Model, now: datetime) -> Text:
    training = model["training"]
    if training is None:
        return Text("-", "dim")
    return Text(f"{training['cause']}, {span(training['planned_at'], now)}", "cyan")


def _rollout(model: Model, _: datetime) -> Text:
    rollout = model["rollout"]
    if rollout is None:
        return Text("-", "dim")
    phase = str(rollout["phase"]).replace("_", " ")
    if not rolling(model):
        return Text(f"v{rollout['version']} {phase}", PHASES.get(rollout["phase"], ""))
    text = f"v{rollout['version']} {phase} {rollout['share']} %"
    return Text(text + (", paused" if rollout["paused"] else ""), "magenta")


def _work(model: Model, now: datetime) -> Text:
    """The training, else the rollout: for terminals that have no room for both."""
    if model["training"] is not None and not rolling(model):
        return Text.assemble("trains: ", _training(model, now))
    return _rollout(model, now)


def _health(model: Model, _: datetime) -> Text:
    return Text(*HEALTH[model["health"]["state"]])


def _next(model: Model, now: datetime) -> Text:
    step = model["next"]
    when = f" in {span(now.isoformat(), datetime.fromisoformat(step['at']))}" if step["at"] else ""
    return Text(f"{str(step['action']).replace('_', ' ')}{when}: {step['why_not_now']}")


_MEDIUM: tuple[tuple[str, Cell], ...] = (
    ("model", _name),
    ("champion", _champion),
    ("age", _age),
    ("next slot", _next_slot),
    ("under way", _work),
    ("health", _health),
    ("next, and why not now", _next),
)
_WIDE: tuple[tuple[str, Cell], ...] = (
    ("model", _name),
    ("champion", _champion),
    ("age", _age),
    ("metric", _metric),
    ("last slot", _last_slot),
    ("next slot", _next_slot),
    ("training", _training),
    ("rollout", _rollout),
    ("health", _health),
    ("next, and why not now", _next),
)


def _told(model: Model, now: datetime) -> Iterator[tuple[str, str]]:
    champion, rollout, training = model["champion"], model["rollout"], model["training"]
    if champion is None:
        yield "champion", "none yet"
    else:
        yield "champion", champion_line(champion, now)
        if champion["accepted"]:
            yield "uncompared", champion["accepted"]
    if training:
        yield "training", f"{training['job']}: {training['because']}"
    if rollout:
        reason = f": {rollout['reason']}" if rollout["reason"] else ""
        yield "rollout", f"{_rollout(model, now).plain}{reason}"
    for health in model["health"]["deployments"]:
        yield "answers", health_line(health)
    if model["last_refusal"]:
        yield "last refusal", model["last_refusal"]
    yield from _waiting(model)
    yield "next", _next(model, now).plain
    if model["decision"]:
        yield "last decision", decision_line(model["decision"])


def _waiting(model: Model) -> Iterator[tuple[str, str]]:
    """What was ordered, left out or kept for later."""
    if model["accepting"]:
        yield "accepting", f"the next challenger uncompared; {model['accepting']}"
    if order := model["waiting_order"]:
        yield "order", f"a training waits: {order['who']} asked: {order['because']}"
    for file in model["data"]["quarantine"]:
        yield "quarantine", f"{file['path']}: {file['reason']}"
    if (warm := model["warm"]) and warm["version"] is not None:
        yield "warm", f"{warm['deployment']} until {clock(warm['until'])}: a rollback is instant"


def champion_line(champion: dict[str, Any], now: datetime) -> str:
    """The champion and what it was promoted for, in one line."""
    score = champion["score"]
    return (
        f"version {champion['version']} ({champion['deployment']}), {score_text(score)}, "
        f"trained on {score['trained_rows']} rows, {span(champion['promoted_at'], now)} old"
    )


def health_line(health: dict[str, Any]) -> str:
    """How one deployment answered, in one line."""
    p95 = health["latency_ms_p95"]
    return f"{health['deployment']}: {health['requests']} requests, {health['failures']} failed" + (
        f", p95 {p95:.0f} ms" if p95 is not None else ""
    )


def span(since: str, until: datetime) -> str:
    """The time between two instants, in the one unit that says most."""
    seconds = (until - datetime.fromisoformat(since)).total_seconds()
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"


def local(slot: str) -> str:
    """A slot's key, the local date and time `20261123t1200`, as people write it."""
    return f"{slot[4:6]}-{slot[6:8]} {slot[9:11]}:{slot[11:13]}"


def moment() -> datetime:
    """This instant."""
    return datetime.now(UTC)
