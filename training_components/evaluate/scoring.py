"""Asks an exported model: on the holdout, row by row, and beside the trained model."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

if TYPE_CHECKING:
    from pathlib import Path

# Two classes this close are a tie, which the rounding of float32 may decide either way.
TIE = 1e-5
# A regression's value counts as flipped when it differs by more than this part of its size; trees
# summed in float32 differ by some millionths.
VALUE_TOLERANCE = 1e-4
WARM_UP_ROWS = 20


class CannotScore(Exception):  # noqa: N818 - a finding about a model, not an error of the program
    """A model folder cannot be asked about this holdout."""


def open_session(path: Path) -> Any:
    """A graph that is ready to be asked."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # One thread, as a server that answers single rows would have it; more would spin.
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """An exported model and the description beside it."""

    session: Any
    schema: dict[str, Any]

    @classmethod
    def load(cls, folder: Path) -> OnnxModel:
        """The model of a folder, or of the one folder below it: a registered folder is nested."""
        found = sorted(folder.rglob("schema.json"))
        if len(found) != 1:
            raise CannotScore(f"{len(found)} files named schema.json below its folder, not one")
        try:
            schema = json.loads(found[0].read_text(encoding="utf-8"))
            if schema["schema"] != 1:
                raise CannotScore(f"its schema.json is of version {schema['schema']}, not 1")
            session = open_session(found[0].parent / "model.onnx")
        except CannotScore:
            raise
        except Exception as error:  # onnxruntime's errors share no base class of their own
            raise CannotScore(f"it does not load: {error}") from error
        return cls(session, schema)

    def inputs(self, columns: dict[str, Any]) -> dict[str, Any]:
        """The graph's inputs from named columns; refused by name when one is not there."""
        features = self.schema["features"]
        absent = sorted({feature["name"] for feature in features}.difference(columns))
        if absent:
            raise CannotScore(f"it needs columns that the data lacks: {', '.join(absent)}")
        arrays = {}
        for kind, dtype in (("number", np.float32), ("category", np.object_)):
            names = [feature["name"] for feature in features if feature["kind"] == kind]
            if names:
                cells = [_as_kind(columns[name], name, kind) for name in names]
                arrays[self.schema["inputs"][kind]] = np.stack(cells, axis=1).astype(dtype)
        return arrays

    def answers(self, inputs: dict[str, Any]) -> Any:
        """Probabilities by class, or values as a single column, as float64."""
        output = "probabilities" if self.schema["task"] == "classification" else "value"
        try:
            return self.session.run([output], inputs)[0].astype(np.float64)
        except Exception as error:  # onnxruntime's errors share no base class of their own
            raise CannotScore(f"it does not answer: {error}") from error

    def scores(self, columns: dict[str, Any], classes: list[Any] | None) -> Any:
        """The answers with the probabilities in the order of these classes."""
        own = self.schema["classes"]
        if (own is None) != (classes is None) or (own and set(own) != set(classes or ())):
            raise CannotScore(f"it tells the classes {own} apart, the data has {classes}")
        answers = self.answers(self.inputs(columns))
        if not np.isfinite(answers).all():
            raise CannotScore("some of its answers are not finite")
        return answers[:, [own.index(label) for label in classes]] if own and classes else answers


def parity(model: OnnxModel, draft: Path) -> dict[str, Any]:
    """How far the exported model is from the trained one on the rows that train kept.

    A row whose answer is another, be it by the last bit, when the trees are asked by themselves
    counts as flipped: both files are the same model, and either may be served.
    """
    with np.load(draft / "parity.npz", allow_pickle=False) as arrays:
        columns = {key.removeprefix("column:"): arrays[key] for key in arrays.files if ":" in key}
        expected = arrays["answers"]
    try:
        answers = model.answers(model.inputs(columns))
    except CannotScore:
        answers = np.full(expected.shape, np.nan)
    if answers.shape != expected.shape:
        answers = np.full(expected.shape, np.nan)
    torn = trees_differ(draft, columns, answers)
    differences = np.abs(answers - expected).max(axis=1)
    if model.schema["task"] == "classification":
        best = expected.max(axis=1)
        picked = expected[np.arange(len(expected)), answers.argmax(axis=1)]
        flipped = best - picked > TIE
    else:
        flipped = differences > VALUE_TOLERANCE * np.maximum(1, np.abs(expected[:, 0]))
    return {
        "rows": len(expected),
        "max_difference": float(differences.max()) if np.isfinite(differences).all() else None,
        "flipped": int((flipped | torn | ~np.isfinite(differences)).sum()),
    }


def trees_differ(draft: Path, columns: dict[str, Any], answers: Any) -> Any:
    """For each row, whether the trees by themselves answer otherwise than the whole graph.

    Nowhere when they were not exported, everywhere when they cannot be asked.
    """
    if not (draft / "trees.json").exists():
        return np.zeros(len(answers), dtype=bool)
    try:
        trees = json.loads((draft / "trees.json").read_text(encoding="utf-8"))
        parts = [_as_kind(columns[name], name, "number") for name in trees["numbers"]]
        for category in trees["categories"]:
            texts, place = np.unique(columns[category["name"]], return_inverse=True)
            codes = [category["codes"].get(str(text), np.nan) for text in texts]
            parts.append(np.array(codes, dtype=np.float64)[place])
        features = np.stack(parts, axis=1).astype(np.float32)
        session = open_session(draft / trees["file"])
        own = session.run([session.get_outputs()[-1].name], {trees["input"]: features})[0]
    except Exception as error:  # whatever it is, these trees cannot be served
        print(f"the trees by themselves cannot be asked: {error}", file=sys.stderr)
        return np.ones(len(answers), dtype=bool)
    if own.shape != answers.shape:
        return np.ones(len(answers), dtype=bool)
    return (own.astype(np.float64) != answers).any(axis=1)


def latency(model: OnnxModel, columns: dict[str, Any], rows: int) -> dict[str, Any]:
    """Milliseconds for single rows in this process, from values to answer."""
    total = len(next(iter(columns.values())))
    seconds = []
    for number in range(WARM_UP_ROWS + rows):
        at = number * 7919 % total  # a large prime: rows from all over the holdout
        row = {name: values[at : at + 1] for name, values in columns.items()}
        before = time.perf_counter()
        model.answers(model.inputs(row))
        seconds.append(time.perf_counter() - before)
    timed = np.array(seconds[WARM_UP_ROWS:]) * 1000
    p50, p95 = np.quantile(timed, [0.5, 0.95]) if rows else (None, None)
    return {
        "rows": rows,
        "p50_ms": None if p50 is None else round(float(p50), 4),
        "p95_ms": None if p95 is None else round(float(p95), 4),
    }


def answer_samples(model: OnnxModel, path: Path) -> int:
    """How many of the sample rows get a finite answer when they are asked one by one."""
    answered = 0
    for row in json.loads(path.read_text(encoding="utf-8"))["rows"]:
        columns = {}
        for feature in model.schema["features"]:
            missing = np.nan if feature["kind"] == "number" else ""
            value = row[feature["name"]]
            columns[feature["name"]] = np.array([missing if value is None else value])
        answered += bool(np.isfinite(model.answers(model.inputs(columns))).all())
    return answered


def _as_kind(values: Any, name: str, kind: str) -> Any:
    """A column as the kind that a model needs: one that is an identifier now may be a text."""
    if kind == "category" or values.dtype.kind != "U":
        return values if kind == "number" else values.astype(np.str_)
    try:
        return np.where(values == "", "nan", values).astype(np.float64)
    except ValueError as error:
        raise CannotScore(f"it needs {name!r} as a number, and the data has texts") from error
