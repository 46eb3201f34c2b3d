"""Decisions in full, as text: what the tables of this folder say beside the one word they assert.

A folder `told` holds a file for each table, with a paragraph for each of its rows: what is done,
what people read, which orders go out, what is remembered, when is looked again. A row that
changes is seen as a change of its paragraph; `TELL=1 pytest tests/domain` writes them anew, and
git shows what became of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from shared.domain.actions import Action, asker_of, describe
from shared.domain.decision import Reason, Step
from shared.domain.plan import Plan
from shared.domain.state import ModelState

FOLDER = Path(__file__).with_name("told")
WRITE = bool(os.environ.get("TELL"))


class Told:
    """The paragraphs of one table."""

    def __init__(self, table: str, folder: Path = FOLDER) -> None:
        self._path = folder / f"{table}.txt"
        text = self._path.read_text() if self._path.exists() else ""
        paragraphs = (part.partition("\n") for part in text.split("\n\n"))
        self._known = {name: body.rstrip("\n") for name, _, body in paragraphs if name}

    def check(self, row: str, lines: Iterable[str]) -> None:
        """The row's paragraph is this one."""
        got = "\n".join(f"  {line}".rstrip() for line in lines) or "  nothing"
        if WRITE:
            self._known[row] = got
            self._save()
        assert got == self._known.get(row), f"{self._path.name} says something else of {row}"

    def check_rows(self, rows: Iterable[str]) -> None:
        """There is a paragraph for these rows, and for no other."""
        wanted = set(rows)
        if WRITE:
            self._known = {row: body for row, body in self._known.items() if row in wanted}
            self._save()
            return
        assert set(self._known) == wanted

    def _save(self) -> None:
        self._path.parent.mkdir(exist_ok=True)
        self._path.write_text("\n\n".join(f"{k}\n{v}" for k, v in self._known.items()) + "\n")


def plan_in_full(before: ModelState, plan: Plan, now: datetime) -> Iterator[str]:
    """What a whole pass does."""
    yield f"{plan.kind.value}, again after {plan.state.next_due_at - now}"
    yield from _decided(before, plan)


def step_in_full(before: ModelState, step: Step, now: datetime) -> Iterator[str]:
    """What one step does."""
    again = f", again after {step.due_at - now}" if step.due_at else ""
    yield f"{step.kind.value}{again}"
    yield from _decided(before, step)


def _decided(before: ModelState, what: Step | Plan) -> Iterator[str]:
    yield from reasons_in_full(what.reasons)
    yield from (order_in_full(action) for action in what.actions)
    yield from changes(before, what.state)
    if what.about:
        yield f"filed under {' '.join(what.about)}"
    yield from (f"fact {name} = {value}" for name, value in flat(what.facts))


def reasons_in_full(reasons: Iterable[Reason]) -> Iterator[str]:
    """The words for machines and for people."""
    return (f"{reason.code}: {reason.text}" for reason in reasons)


def order_in_full(action: Action) -> str:
    """The order in words, and all that goes out with it."""
    return f"order of the {asker_of(action)}: {describe(action)} {in_full(action)}"


def changes(before: ModelState, after: ModelState) -> Iterator[str]:
    """What is remembered from now on."""
    for each in fields(before):
        was, becomes = getattr(before, each.name), getattr(after, each.name)
        if was is None or becomes is None or isinstance(was, tuple):
            if was != becomes:
                yield f"{each.name}: {_short(was)} -> {in_full(becomes)}"
            continue
        old, new = dict(flat(was, each.name)), dict(flat(becomes, each.name))
        for name in dict.fromkeys((*old, *new)):
            if old.get(name) != new.get(name):
                yield f"{name}: {old.get(name, 'none')} -> {new.get(name, 'none')}"


def in_full(value: Any) -> str:
    """All of a value in one line."""
    parts = [f"{name} {each}".strip() for name, each in flat(value)]
    return parts[0] if len(parts) == 1 else f"[{', '.join(parts)}]"


def _short(value: Any) -> str:
    """What goes is known; that it was there is enough."""
    return "…" if is_dataclass(value) or isinstance(value, tuple) else in_full(value)


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """All values inside, each with the way to it."""
    dot = f"{name}." if name else ""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()
    if is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            yield from flat(getattr(value, each.name), f"{dot}{each.name}")
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from flat(each, f"{dot}{key}")
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from flat(each, f"{name}[{index}]")
    elif isinstance(value, Enum):
        yield name, str(value.value)
    elif isinstance(value, datetime | timedelta):
        yield name, str(value).removesuffix("+00:00")
    else:
        yield name, repr(value)
