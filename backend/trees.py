"""The trees alone: categories are looked up here, and the graph has numbers to read only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import onnxruntime

from backend.encoding import Encoded, Encoder, Lookup
from backend.graph import Outputs, compare_interface, output_names
from backend.model_folder import ModelFolderError, ModelSchema, read_file

DESCRIPTION = "trees.json"


class CategoryCodes(msgspec.Struct, frozen=True):
    """What a category becomes; "" is a missing one, and all others become NaN."""

    name: str
    codes: dict[str, float]


class Trees(msgspec.Struct, frozen=True):
    """`trees.json`: the graph without look-ups, and the look-ups."""

    schema: Literal[1]
    file: str
    input: str
    numbers: list[str]
    categories: list[CategoryCodes]


def read_trees(folder: Path, schema: ModelSchema) -> Trees | None:
    """The folder's trees; None when it has only the whole graph."""
    if not (folder / DESCRIPTION).exists():
        return None
    try:
        trees = msgspec.json.decode(read_file(folder / DESCRIPTION), type=Trees)
    except ValueError as error:
        raise ModelFolderError(f"{DESCRIPTION}: {error}") from error
    categories = [category.name for category in trees.categories]
    if (trees.numbers, categories) != (schema.names("number"), schema.names("category")):
        raise ModelFolderError(f"{DESCRIPTION}: its columns are not those of schema.json")
    if "/" in trees.file or "\\" in trees.file:
        raise ModelFolderError(f"{DESCRIPTION}: {trees.file!r} is not a file of the folder")
    return trees


class TreesAlone:
    """Answers one row with nothing allocated, and several in one run."""

    def __init__(
        self, session: onnxruntime.InferenceSession, trees: Trees, schema: ModelSchema
    ) -> None:
        width = len(trees.numbers) + len(trees.categories)
        self._names = output_names(schema)
        compare_interface(
            session, trees.file, {trees.input: ("tensor(float)", width)}, self._names, DESCRIPTION
        )
        self._encoder = Encoder(len(trees.numbers), len(trees.categories), _lookups(trees))
        self._session = session
        self._input = trees.input
        self.encode = self._encoder.encode
        self._row = np.empty((1, width), np.float32)
        self._memory = self._row.data.cast("B")
        self._answer = _memory_for(schema)
        self._binding = self._bound()

    def run(self, encoded: Sequence[Encoded]) -> Outputs:
        """The outputs for all rows, in their order."""
        numbers = b"".join([part.numbers for part in encoded])
        outputs: Outputs = self._session.run(
            self._names, {self._input: self._encoder.as_array(numbers)}
        )
        return outputs

    def run_one(self, row: Encoded) -> Outputs:
        """The outputs for one row, to be read before the next one is asked; by one thread only."""
        self._memory[:] = row.numbers
        self._session.run_with_iobinding(self._binding)
        return self._answer

    def _bound(self) -> onnxruntime.IOBinding:
        binding = self._session.io_binding()
        row = self._row
        binding.bind_input(self._input, "cpu", 0, np.float32, row.shape, row.ctypes.data)
        for name, array in zip(self._names, self._answer, strict=True):
            binding.bind_output(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
        return binding


def _lookups(trees: Trees) -> list[Lookup]:
    lookups = []
    for category in trees.categories:
        lookup = Lookup(category.codes)
        lookup[None] = lookup[""]
        lookups.append(lookup)
    return lookups


def _memory_for(schema: ModelSchema) -> Outputs:
    if schema.task == "regression":
        return [np.empty((1, 1), np.float32)]
    return [np.empty(1, np.int64), np.empty((1, len(schema.classes or [])), np.float32)]
