"""metrics.json is read to the last field: each is needed, each has its kind, each has its place."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from shared.domain.errors import MalformedError
from shared.domain.metrics import read_metrics
from tests.builders import interval, metrics
from tests.domain.told import Told, flat

TOLD = Told("metrics")
FULL = metrics(
    champion={"version": "3", "value": 0.71},
    versus_champion=interval(0.04, 0.03, 0.05),
    anchor={"version": "2", "value": 0.72},
    versus_anchor=interval(0.02, 0.01, 0.06),
    slices=[
        {
            "column": "origin",
            "value": "JFK",
            "rows": 500,
            "challenger": 0.6,
            "champion": 0.7,
            "difference": interval(-0.01, -0.02, 0.03),
        },
        {
            "column": "hour",
            "value": 12,
            "rows": 40,
            "challenger": None,
            "champion": None,
            "difference": None,
        },
    ],
)
NOT_READ = {"holdout.from", "holdout.to"}
"""For people; that they are there is enough. So it is with the two values of a slice."""

Path = tuple[str | int, ...]


def paths(value: Any, way: Path = ()) -> Iterator[Path]:
    """The way to everything in the file, objects and lists included."""
    if way:
        yield way
    inside = value.items() if isinstance(value, dict) else ()
    inside = enumerate(value) if isinstance(value, list) else inside
    for key, each in inside:
        yield from paths(each, (*way, key))


def written(way: Path) -> str:
    """The way as an error names it."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in way)
    return text.removeprefix(".")


def changed(way: Path, to: Any = None, *, gone: bool = False) -> str:
    """The file with one thing in it changed, or without it."""
    data = copy.deepcopy(FULL)
    holder: Any = data
    for key in way[:-1]:
        holder = holder[key]
    if gone:
        del holder[way[-1]]
    else:
        holder[way[-1]] = to
    return json.dumps(data)


FIELDS = [way for way in paths(FULL) if isinstance(way[-1], str)]


def test_every_value_has_its_place() -> None:
    """Two figures that change places would decide about a model."""
    lines = (f"{name} = {value}" for name, value in flat(read_metrics(json.dumps(FULL))))
    TOLD.check("in_full", lines)
    TOLD.check_rows(["in_full"])


@pytest.mark.parametrize("way", FIELDS, ids=written)
def test_every_field_is_needed(way: Path) -> None:
    """What is missing is named, and never taken for zero or for nothing."""
    with pytest.raises(MalformedError) as raised:
        read_metrics(changed(way, gone=True))
    assert str(raised.value) == f"metrics.json: {written(way)} is missing"


@pytest.mark.parametrize("way", FIELDS, ids=written)
def test_every_field_has_its_kind(way: Path) -> None:
    """A list where a figure or an object belongs is refused by name, and so is the other way."""
    name = written(way)
    free = name in NOT_READ or (
        way[0] == "slices" and way[-1] in {"value", "challenger", "champion"}
    )
    wrong: Any = {} if name == "slices" else ["no"]
    if free:
        read_metrics(changed(way, wrong))
        return
    with pytest.raises(MalformedError) as raised:
        read_metrics(changed(way, wrong))
    assert str(raised.value).startswith(f"metrics.json: {name} ")


@pytest.mark.parametrize("way", [(), *paths(FULL)], ids=written)
def test_what_is_not_known_is_refused(way: Path) -> None:
    """A field nobody asked for may be the one that was meant: it is named."""
    data = copy.deepcopy(FULL)
    holder: Any = data
    for key in way:
        holder = holder[key]
    if not isinstance(holder, dict):
        return
    holder["zusatz"] = holder["bonus"] = 1
    with pytest.raises(MalformedError) as raised:
        read_metrics(json.dumps(data))
    assert str(raised.value) == f"metrics.json: {written((*way, 'bonus'))} is not known"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (changed(("trained_rows",), 0), None),
        (changed(("trained_rows",), True), "trained_rows must be a count"),
        (changed(("trained_rows",), 1.5), "trained_rows must be a count"),
        (changed(("challenger", "value"), 1), None),
        (changed(("challenger", "value"), False), "challenger.value is not a number"),
        (changed(("challenger", "value"), 10**400), "challenger.value is not finite"),
        (changed(("versus_anchor", "low"), 0.06), None),
        (changed(("versus_anchor", "low"), 0.07), "versus_anchor has its ends the wrong way round"),
        (changed(("slices", 1), 5), "slices[1] is not an object"),
        (changed(("versus_anchor",)), "anchor and versus_anchor must come together"),
        (changed(("champion",)), "champion and versus_champion must come together"),
        (changed(("champion", "version"), "-1"), "champion.version '-1' is not a number"),
        (changed(("champion", "version"), "9" * 9), None),
        (changed(("champion", "version"), "9" * 10), "champion.version '9999999999' is not"),
        ("[" * 100_000, "cannot be read"),
        (changed(("schema",), 2), "schema 2 is not known"),
        (json.dumps(FULL).replace("0.71", "-Infinity"), "-Infinity is not a number that"),
    ],
)
def test_figures_at_the_edge(text: str, said: str | None) -> None:
    """Zero is a count and equal ends are an interval; what is too large to hold is no figure."""
    if said is None:
        read_metrics(text)
        return
    with pytest.raises(MalformedError) as raised:
        read_metrics(text)
    assert said in str(raised.value)


def test_gain_follows_the_direction() -> None:
    """Better is higher for one metric and lower for another."""
    higher = read_metrics(json.dumps(FULL))
    lower = read_metrics(changed(("metric", "higher_is_better"), to=False))
    assert (higher.gain(3.0, 1.0), lower.gain(3.0, 1.0)) == (2.0, -2.0)
