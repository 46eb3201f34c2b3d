"""The exported graph as it is: numbers and texts in, labels and probabilities or values out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt
import onnxruntime

from backend.encoding import Encoded, Encoder
from backend.model_folder import ModelFolderError, ModelSchema

Outputs = list[npt.NDArray[Any]]
"""Labels and probabilities, or only values; one row of the first axis for each row asked."""


def open_session(path: Path, intra_op_threads: int) -> onnxruntime.InferenceSession:
    """A session with its threads set, not defaulted; raises what is wrong with the file."""
    # Left alone, onnxruntime takes every core of the machine, also beside other containers, and
    # its idle threads spin.
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = intra_op_threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
    except OSError as error:
        raise ModelFolderError(f"{path.name}: {error.strerror}") from error
    except Exception as error:  # onnxruntime's errors have no common base of their own
        raise ModelFolderError(f"{path.name}: {error}") from error


def output_names(schema: ModelSchema) -> list[str]:
    """What a graph of this task gives back."""
    return ["label", "probabilities"] if schema.task == "classification" else ["value"]


class WholeGraph:
    """`model.onnx`: looks categories up itself."""

    def __init__(self, session: onnxruntime.InferenceSession, schema: ModelSchema) -> None:
        _compare_with_schema(session, schema)
        numbers, categories = schema.names("number"), schema.names("category")
        self._encoder = Encoder(len(numbers), len(categories))
        self._session = session
        self._inputs = schema.inputs
        self._outputs = output_names(schema)
        self.encode = self._encoder.encode

    def run(self, encoded: Sequence[Encoded]) -> Outputs:
        """The outputs for all rows, in their order."""
        feed: dict[str, npt.NDArray[Any]] = {}
        if self._inputs.number is not None:
            joined = b"".join([part.numbers for part in encoded])
            feed[self._inputs.number] = self._encoder.as_array(joined)
        if self._inputs.category is not None:
            texts = [text for part in encoded for text in part.texts]
            feed[self._inputs.category] = self._encoder.texts_array(texts)
        outputs: Outputs = self._session.run(self._outputs, feed)
        return outputs


def _compare_with_schema(session: onnxruntime.InferenceSession, schema: ModelSchema) -> None:
    expected = {}
    if schema.inputs.number is not None:
        expected[schema.inputs.number] = ("tensor(float)", len(schema.names("number")))
    if schema.inputs.category is not None:
        expected[schema.inputs.category] = ("tensor(string)", len(schema.names("category")))
    compare_interface(session, "model.onnx", expected, output_names(schema))


def compare_interface(
    session: onnxruntime.InferenceSession,
    file: str,
    expected: dict[str, tuple[str, int]],
    needed: list[str],
    said_by: str = "schema.json",
) -> None:
    """Refuse a graph whose inputs (type and width by name) or outputs are not as described."""
    present = {node.name: (node.type, node.shape[-1]) for node in session.get_inputs()}
    if set(present) != set(expected):
        raise ModelFolderError(
            f"{file}: its inputs are {sorted(present)}, {said_by} says {sorted(expected)}"
        )
    for name, (kind, width) in expected.items():
        if present[name] != (kind, width):
            raise ModelFolderError(
                f"{file}: input {name!r} is {present[name][0]} with {present[name][1]} "
                f"columns, {said_by} says {kind} with {width}"
            )
    outputs = {node.name for node in session.get_outputs()}
    for name in needed:
        if name not in outputs:
            raise ModelFolderError(f"{file}: no output {name!r}, only {sorted(outputs)}")
