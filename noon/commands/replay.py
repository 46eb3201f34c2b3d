"""`noon replay`: takes in again what was left behind."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noon.failures import ExitCode, UsageError
from noon.reach import use_stack_unless
from shared.domain.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator


def run_replay(
    file: str | None, *, poison: bool, dead_letter: bool, do: bool, as_json: bool
) -> int:
    """Tell what would come of each message or event, and do it if that is wanted."""
    if (file is not None) + poison + dead_letter != 1:
        raise UsageError("give a FILE, --poison or --dead-letter, one of the three")
    content = _content(file) if file is not None else None
    use_stack_unless("NOON_QUEUE_URL")
    told = []
    try:
        for each in _replayed(file or "", content, dead_letter=dead_letter, do=do):
            told.append(each)
            if not as_json:
                print(_line(each))
    except MalformedError as error:
        raise UsageError(str(error)) from None
    left = _left(len(told), do=do) if poison else 0
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
    elif not told:
        print("nothing was left behind")
    elif not do:
        shown = f"the first {len(told)} of about {len(told) + left}" if left else f"{len(told)}"
        print(f"{shown} would be taken in again: the same with --yes does it")
    if left and (do or as_json):
        # Beside the lines: what reads those expects one for each message.
        print(f"about {left} more are left", file=sys.stderr)
    return ExitCode.OK


def _left(told: int, *, do: bool) -> int:
    """How many poisoned messages there are besides those that were told."""
    from shared.bootstrap import leftovers

    left = leftovers()
    count = left.poison.count() + left.poisoned_notices.count()
    return count if do else max(0, count - told)


def _replayed(
    name: str, content: bytes | None, *, dead_letter: bool, do: bool
) -> Iterator[dict[str, Any]]:
    # Late: the Azure libraries take seconds to import.
    from shared.application.replay import MOST, replay_events, replay_poison
    from shared.application.replay_notices import replay_notices
    from shared.bootstrap import leftovers

    left = leftovers()
    plane = left.outside.plane
    if content is not None:
        yield from replay_events(plane, [(name, content)], do=do)
    elif not dead_letter:
        yield from replay_poison(plane, left.poison, do=do)
        yield from replay_notices(left.outside, left.poisoned_notices, do=do)
    elif left.dead_letters is None:
        raise UsageError("set NOON_DEAD_LETTER_URL to the container of the dead letters")
    else:
        yield from replay_events(plane, left.dead_letters.read(MOST), do=do)


def _content(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None


def _line(told: dict[str, Any]) -> str:
    done = told["done"]
    if told["kind"] == "wakes":
        verb = "woke" if done else "would wake"
        return f"{told['source']}: {verb} {told['model']} ({told['what']})"
    if told["kind"] == "tells":
        verb = "will be told again" if done else "would be told again"
        return f"{told['source']}: {told['what']} {verb} ({told['model'] or 'no model'})"
    verb = "was ignored" if done else "would be ignored"
    return f"{told['source']}: {verb}: {told['what']}"
