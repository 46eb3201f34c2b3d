"""From a graph's outputs to the body of an answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from backend.graph import Outputs
from backend.model_folder import ModelSchema, Scalar


class ModelAnswerError(Exception):
    """The model answered with something that its schema does not allow."""


class AnswerWriter:
    """Writes answers of one model; the types of its predictions are built once."""

    def __init__(self, schema: ModelSchema) -> None:
        self._classes = schema.classes
        self._places: dict[object, Scalar] = {}
        """Each class by what the graph calls it: its place in the list, or its text."""
        if self._classes:
            self._places = dict(enumerate(self._classes))
            self._places |= {str(value): value for value in self._classes}
        keys = schema.class_keys()
        self._shares = _struct("Shares", [(key, float) for key in keys])
        self._prediction = _struct("Prediction", _prediction_fields(schema, self._shares))
        self._answer = _struct("Answer", [("predictions", list[self._prediction])])  # type: ignore[name-defined]
        self._encode = msgspec.json.Encoder().encode

    def write(self, outputs: Outputs, rows: Sequence[int]) -> list[bytes]:
        """The bodies for requests of so many rows each; raises ModelAnswerError."""
        if self._classes is None:
            predictions = self._values(outputs[0])
        else:
            predictions = self._labelled(*outputs)
        if len(predictions) != sum(rows):
            raise ModelAnswerError(f"{len(predictions)} predictions for {sum(rows)} rows")
        encode, answer, ends = self._encode, self._answer, accumulate(rows)
        return [
            encode(answer(predictions[end - count : end]))
            for count, end in zip(rows, ends, strict=True)
        ]

    def _labelled(self, labels: npt.NDArray[Any], shares: npt.NDArray[Any]) -> list[Any]:
        if shares.ndim != 2 or shares.shape[1] != len(self._classes or ()):
            raise ModelAnswerError(f"probabilities of shape {shares.shape}")
        rows = shares.tolist()
        _refuse_not_finite(shares, rows)
        make, places, of = self._prediction, self._places, self._shares
        try:
            return [
                make(places[label], of(*row))
                for label, row in zip(labels.ravel().tolist(), rows, strict=True)
            ]
        except KeyError as error:
            raise ModelAnswerError(f"label {error} is none of the classes") from error
        except ValueError as error:
            raise ModelAnswerError(f"{labels.size} labels for {len(rows)} rows") from error

    def _values(self, values: npt.NDArray[Any]) -> list[Any]:
        rows = values.reshape(len(values), -1)[:, :1].tolist()
        _refuse_not_finite(values, rows)
        return [self._prediction(row[0]) for row in rows]


def _prediction_fields(schema: ModelSchema, shares: Any) -> list[tuple[str, Any]]:
    if schema.classes is None:
        return [("value", float)]
    return [("label", Any), ("probabilities", shares)]


def _struct(name: str, fields: list[tuple[str, Any]]) -> Any:
    # A class may have any name, a field must be an identifier: hence the renaming.
    return msgspec.defstruct(
        name,
        [(f"field_{index}", kind) for index, (_, kind) in enumerate(fields)],
        rename={f"field_{index}": key for index, (key, _) in enumerate(fields)},
        gc=False,
    )


def _refuse_not_finite(values: npt.NDArray[Any], rows: list[list[float]]) -> None:
    # Many 32-bit numbers cannot overflow a 64-bit sum: it is finite exactly if all of them are.
    finite = math.isfinite(sum(rows[0])) if len(rows) == 1 else bool(np.isfinite(values).all())
    if not finite:
        raise ModelAnswerError("an answer is not a finite number")
