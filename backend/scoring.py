"""The model itself: loads the ONNX graph, checks it against its schema, answers batches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import onnxruntime

from backend.model_folder import (
    ModelFolderError,
    ModelSchema,
    Scalar,
    find_model_folder,
    read_sample_rows,
    read_schema,
)
from backend.problems import Problem
from backend.rows import Batch, RowReader
from backend.settings import Settings

TIE = 1e-5
"""Shares this close are equal, as far as 32-bit floating point numbers can tell."""


class ModelAnswerError(Exception):
    """The model answered with something that its schema does not allow."""


@dataclass(frozen=True, slots=True)
class Scorer:
    """A model that was loaded, compared with its schema and tried on its sample rows."""

    schema: ModelSchema
    schema_content: bytes
    reader: RowReader
    session: onnxruntime.InferenceSession

    def score(self, batch: Batch) -> bytes:
        """The answer's body for a batch: one prediction a row, in the order of the rows."""
        outputs = self.session.run(list(_output_names(self.schema)), self._feed(batch))
        if self.schema.task == "classification":
            predictions = _classified(self.schema, *outputs)
        else:
            predictions = _valued(outputs[0])
        if len(predictions) != len(batch):
            raise ModelAnswerError(f"{len(predictions)} predictions for {len(batch)} rows")
        return msgspec.json.encode({"predictions": predictions})

    def _feed(self, batch: Batch) -> dict[str, npt.NDArray[Any]]:
        inputs = self.schema.inputs
        feed: dict[str, npt.NDArray[Any]] = {}
        if inputs.number is not None:
            feed[inputs.number] = batch.numbers
        if inputs.category is not None:
            feed[inputs.category] = batch.categories
        return feed


def load_scorer(settings: Settings) -> Scorer:
    """The model below the settings' folder, ready to answer; raises what is wrong with it."""
    folder = find_model_folder(settings.model_dir)
    schema, content = read_schema(folder)
    session = _session(folder / "model.onnx", settings.intra_op_threads)
    _compare_with_schema(session, schema)
    scorer = Scorer(schema, content, RowReader(schema, settings.rows_max), session)
    _try_sample(scorer, read_sample_rows(folder))
    return scorer


def _session(path: Path, intra_op_threads: int) -> onnxruntime.InferenceSession:
    # Left alone, onnxruntime takes every core of the machine, also beside other containers.
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = intra_op_threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
    except OSError as error:
        raise ModelFolderError(f"model.onnx: {error.strerror}") from error
    except Exception as error:  # onnxruntime's errors have no common base of their own
        raise ModelFolderError(f"model.onnx: {error}") from error


def _output_names(schema: ModelSchema) -> tuple[str, ...]:
    return ("label", "probabilities") if schema.task == "classification" else ("value",)


def _compare_with_schema(session: onnxruntime.InferenceSession, schema: ModelSchema) -> None:
    expected = {}
    if schema.inputs.number is not None:
        expected[schema.inputs.number] = ("tensor(float)", len(schema.names("number")))
    if schema.inputs.category is not None:
        expected[schema.inputs.category] = ("tensor(string)", len(schema.names("category")))
    present = {node.name: (node.type, node.shape[-1]) for node in session.get_inputs()}
    if set(present) != set(expected):
        raise ModelFolderError(
            f"model.onnx: its inputs are {sorted(present)}, schema.json says {sorted(expected)}"
        )
    for name, (kind, width) in expected.items():
        if present[name] != (kind, width):
            raise ModelFolderError(
                f"model.onnx: input {name!r} is {present[name][0]} with {present[name][1]} "
                f"columns, schema.json says {kind} with {width}"
            )
    outputs = {node.name for node in session.get_outputs()}
    for name in _output_names(schema):
        if name not in outputs:
            raise ModelFolderError(f"model.onnx: no output {name!r}, only {sorted(outputs)}")


def _try_sample(scorer: Scorer, rows: list[dict[str, Any]]) -> None:
    batch = scorer.reader.check(rows)
    if isinstance(batch, Problem):
        first = batch.errors.listed[0] if batch.errors else None
        where = f": row {first.row}, column {first.column}: {first.reason}" if first else ""
        raise ModelFolderError(f"sample.json does not fit schema.json: {batch.title}{where}")
    try:
        answer = msgspec.json.decode(scorer.score(batch))
        if scorer.schema.task == "classification":
            _refuse_other_labels(scorer.schema, answer["predictions"])
    except Exception as error:  # whatever it is, a model that cannot answer is not served
        raise ModelFolderError(f"model.onnx cannot score sample.json: {error}") from error


def _refuse_other_labels(schema: ModelSchema, predictions: list[dict[str, Any]]) -> None:
    # A graph whose labels mean something else than ours would answer, and answer wrongly.
    key_by_class = dict(zip(schema.classes or [], schema.class_keys(), strict=True))
    for prediction in predictions:
        shares = prediction["probabilities"]
        if shares[key_by_class[prediction["label"]]] < max(shares.values()) - TIE:
            raise ModelAnswerError(f"label {prediction['label']!r} is not the likeliest: {shares}")


def _classified(
    schema: ModelSchema, labels: npt.NDArray[Any], probabilities: npt.NDArray[np.float32]
) -> list[dict[str, object]]:
    classes = schema.classes or []
    if probabilities.ndim != 2 or probabilities.shape[1] != len(classes):
        raise ModelAnswerError(f"probabilities of shape {probabilities.shape}")
    _refuse_not_finite(probabilities)
    by_label = _classes_by_label(classes, labels)
    keys = schema.class_keys()
    try:
        return [
            {"label": by_label[label], "probabilities": dict(zip(keys, row, strict=True))}
            for label, row in zip(labels.ravel().tolist(), probabilities.tolist(), strict=True)
        ]
    except KeyError as error:
        raise ModelAnswerError(f"label {error} is none of the classes") from error


def _classes_by_label(classes: list[Scalar], labels: npt.NDArray[Any]) -> dict[object, Scalar]:
    # A graph gives back whole numbers, which are places in the list of classes, or text.
    if labels.dtype.kind in "iu":
        return dict(enumerate(classes))
    return {str(value): value for value in classes}


def _valued(values: npt.NDArray[np.float32]) -> list[dict[str, object]]:
    _refuse_not_finite(values)
    return [{"value": value} for value in values.reshape(len(values), -1)[:, 0].tolist()]


def _refuse_not_finite(values: npt.NDArray[np.float32]) -> None:
    if not np.isfinite(values).all():
        raise ModelAnswerError("an answer is not a finite number")
