"""Splits a table by time: the newest days are held out, never a random sample.

A model is used on days after those that it was trained on; rows of the same day share weather and
events, so that a random holdout would flatter it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from csv_table import Table


# A target with a thousand classes by mistake needs a few of them named, not all.
NAMED_CLASSES = 5


class CannotSplit(Exception):  # noqa: N818 - a refusal of the data, not an error of the program
    """The table cannot be split into a part to train on and a part to judge by."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A table in two parts; a classification's target is an index into classes."""

    trained: dict[str, Any]
    holdout: dict[str, Any]
    trained_days: tuple[str, str]
    holdout_days: tuple[str, str]
    classes: list[Any] | None


def split_by_time(table: Table, spec: dict[str, Any]) -> Parts:
    """The newest holdout_days distinct days as the holdout; refuses a table that is too short."""
    days = table.columns[spec["time_column"]].astype("U10")
    distinct = np.unique(days)
    held = int(spec["holdout_days"])
    if len(distinct) <= held:
        raise CannotSplit(
            f"too few days: the files hold {len(distinct)} ({distinct[0]} to {distinct[-1]}), "
            f"a holdout of {held} needs at least {held + 1}"
        )
    columns, classes = dict(table.columns), None
    late = days >= distinct[-held]
    if spec["task"] == "classification":
        classes, columns[spec["target"]] = _classes(columns[spec["target"]], late, spec["target"])
        if spec["metric"] == "roc_auc" and len(classes) > 2:
            raise CannotSplit(
                f"roc_auc needs two classes of {spec['target']!r}, the files hold "
                f"{len(classes)}: {', '.join(repr(label) for label in classes[:NAMED_CLASSES])}"
            )
    trained = [*spec["features"], spec["target"]]
    return Parts(
        trained={name: columns[name][~late] for name in trained},
        # Everything is kept of the holdout: an older model may need a column that is no feature
        # any more.
        holdout={name: values[late] for name, values in columns.items()},
        trained_days=(str(distinct[0]), str(distinct[-held - 1])),
        holdout_days=(str(distinct[-held]), str(distinct[-1])),
        classes=classes,
    )


def save_split(parts: Parts, folder: Path) -> dict[str, Any]:
    """Writes train.npz and holdout.npz and describes them."""
    for name, columns in (("train", parts.trained), ("holdout", parts.holdout)):
        arrays = {f"column:{column}": values for column, values in columns.items()}
        np.savez_compressed(folder / f"{name}.npz", allow_pickle=False, **arrays)
    sizes = [len(next(iter(part.values()))) for part in (parts.trained, parts.holdout)]
    return {
        "landed_rows": sum(sizes),
        "trained": dict(zip(("rows", "from", "to"), (sizes[0], *parts.trained_days), strict=True)),
        "holdout": {
            "digest": digest(parts.holdout),
            **dict(zip(("rows", "from", "to"), (sizes[1], *parts.holdout_days), strict=True)),
        },
        "classes": parts.classes,
        "missing": {name: _missing(values) for name, values in sorted(parts.trained.items())},
    }


def digest(columns: dict[str, Any]) -> str:
    """SHA-256 over names and values in a form that no library version changes."""
    total = hashlib.sha256()
    for name in sorted(columns):
        values = columns[name]
        total.update(f"{name}\n{len(values)}\n".encode())
        if values.dtype.kind == "U":
            total.update("".join(f"{len(text)}:{text}" for text in values.tolist()).encode())
        else:
            numbers = values.astype("<f8")
            numbers[np.isnan(numbers)] = np.nan  # NaN has many bit patterns
            total.update(numbers.tobytes())
    return total.hexdigest()


def _missing(values: Any) -> int:
    """How many values are not there."""
    absent = values == "" if values.dtype.kind == "U" else np.isnan(values)
    return int(absent.sum())


def _classes(texts: Any, late: Any, target: str) -> tuple[list[Any], Any]:
    """The classes as JSON scalars in order, and the index of each row's class."""
    distinct, index = np.unique(texts, return_inverse=True)
    scalars = _scalars(distinct.tolist())
    order = sorted(range(len(scalars)), key=lambda position: scalars[position])
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    values = rank[index]
    trained = set(values[~late].tolist())
    if len(trained) < 2:
        only = scalars[order[trained.pop()]]
        raise CannotSplit(f"the days to train on hold only one class of {target!r}: {only!r}")
    unseen = sorted(set(values[late].tolist()) - trained)
    if unseen:
        names = ", ".join(repr(scalars[order[position]]) for position in unseen)
        raise CannotSplit(f"only the holdout holds these classes of {target!r}: {names}")
    return [scalars[position] for position in order], values


def _scalars(texts: list[str]) -> list[Any]:
    """Booleans or integers where all the texts are such, otherwise the texts."""
    lowered = [text.lower() for text in texts]
    if set(lowered) <= {"true", "false"} and len(set(lowered)) == len(texts):
        return [text == "true" for text in lowered]
    if all(text.removeprefix("-").isdecimal() and str(int(text)) == text for text in texts):
        return [int(text) for text in texts]
    return texts
